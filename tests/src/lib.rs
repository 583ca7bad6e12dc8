//! The harness of the end-to-end tests: real engines, real userlands, the
//! real kernel table, and each of them put back as it was found.
//!
//! - [`command`]: runs a command with a time limit and shows everything when it disappoints.
//! - [`need`]: prerequisites; a missing one is a failure that names its package.
//! - [`product`]: the binary and the image under test.
//! - [`host_table`]: the host's own binfmt_misc, one test at a time; [`pinned`]: the
//!   emulators that its entries have open.
//! - [`machine`]: a virtual machine with a kernel, systemd and engines of its own;
//!   [`own_machine`]: tests whose body runs in one.
//! - [`private_table`]: a table in a user namespace, which needs no root.
//! - [`guard`]: `armistice guard` in such a table, and what it says.
//! - [`killing`]: a command that is killed in one, at any of its steps.
//! - [`isolation`]: the same with all identities and processes of its own, for a whole system.
//! - [`debian_root`]: Debian with its packages configured, entered by chroot.
//! - [`dockerd`], [`podman`]: engines with their state in a temporary folder.
//! - [`ordinary_user`]: an account of an ordinary user, for rootless engines.
//! - [`registry`]: a real registry, perhaps with TLS, and what fills it.
//! - [`run_place`]: who runs containers with the command, and where.
//! - [`userland`]: Debian for five other architectures; [`archive`] makes images of it.
//! - [`capabilities`]: what this machine can't give to privileged containers.
//! - [`shared`]: one engine for the tests that run at the same time.
//! - [`python`]: a virtual environment with the Kubernetes and Helm checkers.
//! - [`fake_registry`]: a registry that misbehaves; [`token_server`]: who may read a real one;
//!   [`image_store`]: a store to pull into.
//! - [`lesser_kernel`]: a command on a kernel that lacks something; [`liar`]: an emulator that
//!   emulates nothing.
//! - [`leftovers`]: ends what an engine leaves behind; [`killed_runs`]: what a killed run left.
//!
//! The harness panics where a test should fail; nothing is skipped.

pub mod archive;
pub mod capabilities;
pub mod command;
pub mod debian_root;
pub mod dockerd;
pub mod fake_registry;
pub mod guard;
pub mod host_table;
pub mod image_store;
pub mod isolation;
pub mod killed_runs;
pub mod killing;
pub mod leftovers;
pub mod lesser_kernel;
pub mod liar;
pub mod machine;
pub mod need;
pub mod ordinary_user;
pub mod own_machine;
pub mod pinned;
pub mod podman;
pub mod private_table;
pub mod product;
pub mod python;
pub mod registry;
pub mod run_place;
pub mod shared;
pub mod token_server;
pub mod userland;

pub use command::{Done, copy_program, run};
pub use debian_root::DebianRoot;
pub use dockerd::Dockerd;
pub use guard::Guard;
pub use host_table::HostTable;
pub use ordinary_user::OrdinaryUser;
pub use podman::Podman;
pub use private_table::PrivateTable;
pub use product::armistice;
pub use registry::Registry;
pub use userland::{USERLANDS, Userland};

/// What the names of all temporary folders of the tests begin with; then
/// comes the id of the process that owns it.
pub const PREFIX: &str = "armistice-e2e-";

/// A temporary folder that is removed when dropped.
#[must_use]
pub fn temporary() -> tempfile::TempDir {
    tempfile::Builder::new()
        .prefix(&format!("{PREFIX}{}-", std::process::id()))
        .tempdir()
        .expect("a temporary folder can be made")
}
