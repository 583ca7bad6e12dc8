//! Which folder a store takes, and what `prune` removes there: nothing but what a store made,
//! and nothing at all outside of it.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use armistice_store::{Error, Ids, Store};

/// What each name of sixty-four digits is.
const HEX: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn open(root: &Path) -> Result<Store, Error> {
    Store::open(root, Ids::of_this_process())
}

fn write(root: &Path, name: &str) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, "of somebody's own").unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// A store as builds made it that did not mark theirs.
fn unmarked(root: &Path) {
    drop(open(root).unwrap());
    fs::remove_file(root.join("armistice-store")).unwrap();
}

/// All paths below a folder.
fn tree(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut left = vec![root.to_owned()];
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            found.push(path.strip_prefix(root).unwrap().display().to_string());
            if path.is_dir() && !path.is_symlink() {
                left.push(path);
            }
        }
    }
    found.sort();
    found
}

/// A fault once: `prune` emptied `work`, `running` and the like of whatever folder was named.
#[test]
fn a_folder_with_other_things_in_it_is_refused_and_left_as_it_is() {
    for name in [
        "work/project/a",
        "running/log/r",
        "notes",
        ".hidden",
        "blobs/sha256/x",
    ] {
        let temp = tempfile::tempdir().unwrap();
        write(temp.path(), name);
        set_mode(temp.path(), 0o755);
        let before = tree(temp.path());
        let refused = open(temp.path()).map(drop).unwrap_err();
        assert!(
            matches!(refused, Error::NotAStore { .. }),
            "{name}: {refused}"
        );
        assert!(refused.to_string().contains("ARMISTICE_STORE"), "{refused}");
        assert_eq!(tree(temp.path()), before, "{name}");
        assert_eq!(mode(temp.path()), 0o755, "{name}");
    }
    // An OCI layout has blobs of the same form.
    let temp = tempfile::tempdir().unwrap();
    write(temp.path(), &format!("blobs/sha256/{HEX}"));
    assert!(matches!(open(temp.path()), Err(Error::NotAStore { .. })));
}

#[test]
fn an_empty_folder_becomes_a_store_that_nobody_else_reaches() {
    for (number, before) in [0o700, 0o755, 0o775, 0o777].into_iter().enumerate() {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().join(number.to_string());
        fs::create_dir(&root).unwrap();
        // As of a file system of its own.
        fs::create_dir(root.join("lost+found")).unwrap();
        set_mode(&root, before);
        drop(open(&root).unwrap());
        assert_eq!(mode(&root), 0o700);
        assert!(root.join("armistice-store").is_file());
        drop(open(&root).unwrap());
    }
    // Somebody's folder for all, as /tmp.
    let temp = tempfile::tempdir().unwrap();
    set_mode(temp.path(), 0o1777);
    assert!(matches!(open(temp.path()), Err(Error::OpenToOthers { .. })));
    assert_eq!(mode(temp.path()), 0o1777);
}

#[test]
fn a_store_of_builds_before_the_mark_is_taken_over() {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path().join("store");
    unmarked(&root);
    fs::remove_dir(root.join("running")).unwrap();
    write(&root, "lock");
    set_mode(&root, 0o755);
    drop(open(&root).unwrap());
    assert!(root.join("armistice-store").is_file());
    assert_eq!(mode(&root), 0o700);
    // One that has grown into a folder with other things is not.
    fs::remove_file(root.join("armistice-store")).unwrap();
    write(&root, "letters/a");
    assert!(matches!(open(&root), Err(Error::NotAStore { .. })));
}

#[test]
fn a_later_layout_is_not_touched() {
    let temp = tempfile::tempdir().unwrap();
    drop(open(temp.path()).unwrap());
    fs::write(temp.path().join("armistice-store"), "layout 2\n").unwrap();
    let refused = open(temp.path()).map(drop).unwrap_err();
    assert!(matches!(refused, Error::LaterLayout { .. }), "{refused}");
    for text in ["", "layout", "layout one\n", "x"] {
        fs::write(temp.path().join("armistice-store"), text).unwrap();
        assert!(
            matches!(open(temp.path()), Err(Error::NotAStore { .. })),
            "{text:?}"
        );
    }
}

#[test]
fn prune_removes_only_names_that_a_store_makes() {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path();
    let store = open(root).unwrap();
    let own = [
        "work/notes",
        "work/project/a",
        "running/log/r",
        "running/0123456789AB/r",
        "layers/mine/x/c",
        &format!("layers/mine/{HEX}/c"),
        "layers/all/x/c",
        "refs/e",
        "refs/e.json",
        ".hidden",
        "partial/d",
        "leases/f",
        "blobs/sha256/g",
        &format!("blobs/sha256/{}", &HEX[1..]),
        &format!("blobs/sha512/{HEX}"),
    ];
    let made = [
        &format!("work/all-{HEX}.new/fs/a"),
        &format!("work/map-0123456789abcdef-{HEX}.lock"),
        "running/0123456789ab/upper/a",
        &format!("layers/all/{HEX}/layer.json"),
        &format!("layers/one/{HEX}/layer.json"),
        &format!("layers/map-0123456789abcdef/{HEX}/layer.json"),
        &format!("refs/.{HEX}.json.77"),
        &format!("partial/{HEX}"),
        &format!("leases/{HEX}"),
        &format!("blobs/sha256/{HEX}"),
        &format!("blobs/sha256/.{HEX}.77"),
    ];
    for name in own.iter().chain(&made) {
        write(root, name);
    }
    let told = store.prune(true, true).unwrap().len();
    let pruned = store.prune(true, false).unwrap();
    assert_eq!(pruned.len(), told);
    // A lease is no news.
    assert_eq!(pruned.len(), made.len() - 1, "{pruned:?}");
    for name in own {
        assert!(root.join(name).is_file(), "{name} has gone");
    }
    for name in made {
        assert!(!root.join(name).exists(), "{name} is there");
    }
}

#[test]
fn no_link_in_a_store_leads_out_of_it() {
    let folders = [
        "running",
        "work",
        "layers",
        "layers/all",
        "refs",
        "leases",
        "partial",
        "blobs",
        "blobs/sha256",
    ];
    for folder in folders {
        let temp = tempfile::tempdir().unwrap();
        let (root, away) = (temp.path().join("store"), temp.path().join("away"));
        let store = open(&root).unwrap();
        for name in [
            HEX,
            &HEX[..12],
            &format!("all-{HEX}.new"),
            &format!(".{HEX}.json.1"),
        ] {
            write(&away, &format!("{name}/photo"));
            write(&away, &format!("sha256/{name}"));
            write(&away, &format!("all/{name}/photo"));
        }
        let before = tree(&away);
        let place = root.join(folder);
        if place.exists() {
            fs::rename(&place, temp.path().join("moved")).unwrap();
        }
        symlink(&away, &place).unwrap();
        // Under an open store, and for who opens it anew.
        let pruned = store.prune(true, false);
        assert!(pruned.is_err(), "{folder}: {pruned:?}");
        assert_eq!(tree(&away), before, "{folder}");
        if let Ok(store) = open(&root) {
            assert_eq!(folder, "layers/all", "not used under these identities");
            let _ = store.prune(true, false);
        }
        assert_eq!(tree(&away), before, "{folder}");
    }
    // A container's folder that is a link.
    let temp = tempfile::tempdir().unwrap();
    let (root, away) = (temp.path().join("store"), temp.path().join("away"));
    let store = open(&root).unwrap();
    write(&away, "photo");
    symlink(&away, root.join("running").join(&HEX[..12])).unwrap();
    assert_eq!(store.prune(true, false).unwrap().len(), 1, "the link goes");
    assert_eq!(tree(&away), ["photo"]);
}

#[test]
fn a_store_that_others_can_write_to_is_refused() {
    for loose in [0o770, 0o707, 0o777] {
        let temp = tempfile::tempdir().unwrap();
        drop(open(temp.path()).unwrap());
        set_mode(temp.path(), loose);
        let refused = open(temp.path()).map(drop).unwrap_err();
        assert!(matches!(refused, Error::OpenToOthers { .. }), "{refused}");
        assert!(refused.to_string().contains("chmod 700"), "{refused}");
        set_mode(temp.path(), 0o700);
        set_mode(&temp.path().join("layers"), loose);
        assert!(matches!(open(temp.path()), Err(Error::OpenToOthers { .. })));
    }
}
