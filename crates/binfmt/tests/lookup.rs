//! Exec, asked, names the table in which it looks. The real kernel's tables.

#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

mod common;

use std::path::Path;

use armistice_arch::{ARCHES, Arch};
use armistice_binfmt::situation::{self, Scope};
use armistice_binfmt::{STANDARD_PATH, lookup};
use common::{lock, mount_table, registration, with_private_table};
use rustix::mount::UnmountFlags;

fn foreign() -> Vec<&'static Arch> {
    let host = Arch::host();
    ARCHES.iter().filter(|a| !a.is_native_to(host)).collect()
}

#[test]
fn exec_has_a_handler_for_what_is_registered_and_for_nothing_else() {
    with_private_table(
        "exec_has_a_handler_for_what_is_registered_and_for_nothing_else",
        |table| {
            let table = lock(&table);
            assert_eq!(lookup::handled(), Vec::<&Arch>::new());
            for arch in foreign() {
                table.register(&registration(arch.name)).unwrap();
                let all = lookup::handled();
                assert!(all.contains(&arch), "{}", arch.name);
                table.remove(&arch.entry_name()).unwrap();
                assert!(!lookup::handled().contains(&arch), "{}", arch.name);
            }
        },
    );
}

#[test]
fn what_is_switched_off_is_no_handler() {
    with_private_table("what_is_switched_off_is_no_handler", |table| {
        let table = lock(&table);
        let arm64 = foreign().into_iter().find(|a| a.name == "aarch64").unwrap();
        table.register(&registration("aarch64")).unwrap();
        for file in ["qemu-aarch64", "status"] {
            let path = Path::new(STANDARD_PATH).join(file);
            for (text, handled) in [("0", vec![]), ("1", vec![arm64])] {
                std::fs::write(&path, text).unwrap();
                assert_eq!(lookup::handled(), handled, "{file} {text}");
                // A table that is switched off is still the one that counts.
                let seen = situation::look();
                assert_eq!(seen.scope, Scope::Private, "{file} {text}");
                assert!(seen.table.is_ok() && seen.bystander.is_none());
            }
        }
    });
}

/// A namespace's table counts though its mount is gone; another mount of it is it.
#[test]
fn the_table_that_was_mounted_first_is_found_at_any_place() {
    with_private_table(
        "the_table_that_was_mounted_first_is_found_at_any_place",
        |table| {
            rustix::mount::mount_bind(STANDARD_PATH, "/mnt").unwrap();
            rustix::mount::unmount(STANDARD_PATH, UnmountFlags::DETACH).unwrap();
            let seen = situation::look();
            let found = seen.table.unwrap();
            assert_eq!(found.path(), Some(Path::new("/mnt")));
            assert_eq!(found.device(), table.device());
            drop((table, found));
            rustix::mount::unmount("/mnt", UnmountFlags::empty()).unwrap();
            mount_table();
            let seen = situation::look();
            assert_eq!(seen.scope, Scope::Private);
            assert_eq!(seen.table.unwrap().path(), Some(Path::new(STANDARD_PATH)));
        },
    );
}
