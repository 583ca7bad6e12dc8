//! Clears what killed runs of the tests left on the machine: their accounts, and the
//! temporary folders with all that works in them.

use std::fs;
use std::path::Path;

use crate::leftovers::{clear_folder, remove_cgroup};
use crate::{PREFIX, ordinary_user};

/// Clears what killed runs left: accounts, and temporary folders whose owner, a process
/// named in the folder's name, is no longer alive.
pub fn clear() {
    ordinary_user::remove_leftovers();
    let Ok(folder) = fs::read_dir(std::env::temp_dir()) else {
        return;
    };
    for entry in folder.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let owner = name
            .strip_prefix(PREFIX)
            .and_then(|rest| rest.split('-').next());
        if owner.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            clear_folder(&entry.path());
            remove_cgroup(&name);
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
