//! Promise: what the machine runs by itself is never given to an emulator:
//! refused by every verb, left out of lists, unless one insists with a reason.

use e2e::{Done, PrivateTable, need, product};

fn armistice(table: &PrivateTable, args: &[&str]) -> Done {
    e2e::run(table.command(product::binary()).args(args))
}

/// Whether this kernel has its 32-bit half: as its own configuration has it.
fn runs_32_bits() -> bool {
    let program = product::workspace().join("crates/proof/programs/bin/i386");
    let folder = e2e::temporary();
    let copy = folder.path().join("i386");
    e2e::copy_program(&program, &copy);
    // A table of its own is empty: no handler answers.
    let table = PrivateTable::new();
    let mut perl = table.command(need::program("perl", "perl-base"));
    let script = "exec {$ARGV[0]} 'i386' or exit($!{ENOEXEC} ? 99 : 98)";
    let done = e2e::run(perl.args(["-MErrno", "-e", script]).arg(&copy));
    assert!(
        done.stdout == "i386\n" || done.status.code() == Some(99),
        "{done}"
    );
    done.status.code() != Some(99)
}

#[test]
fn every_verb_refuses_it() {
    let table = PrivateTable::new();
    let mut native = vec!["amd64"];
    if runs_32_bits() {
        native.extend(["i386", "x86", "i486", "linux/386"]);
    }
    for name in native {
        for args in [
            &["register", name][..],
            &["register", "arm64", name],
            &["register", "--dry-run", name],
            &["register", "--replace", name],
            &["guard", name],
        ] {
            armistice(&table, args)
                .exits(1)
                .says("by itself")
                .says("nothing was changed");
            assert!(table.names().is_empty(), "{args:?}");
        }
        armistice(&table, &["shell", "-a", name, "--", "true"])
            .exits(125)
            .says("by itself");
    }
    armistice(
        &table,
        &["image", "build", "-o", "/nowhere/image.tar", "-a", "amd64"],
    )
    .exits(1)
    .says("run amd64 programs by themselves");
}

#[test]
fn the_image_leaves_it_out_and_says_so() {
    let table = PrivateTable::new();
    let handlers = || -> Vec<String> {
        let names = table.names().into_iter();
        names.filter(|name| name.starts_with("qemu-")).collect()
    };
    armistice(&table, &["entrypoint", "--install", "amd64"])
        .ok()
        .says("Left out: amd64");
    assert!(handlers().is_empty());
    armistice(&table, &["entrypoint", "--install", "amd64,arm64"])
        .ok()
        .says("Left out: amd64");
    assert_eq!(handlers(), ["qemu-aarch64"]);
    armistice(&table, &["entrypoint", "--install", "all"]).ok();
    let names = handlers();
    assert!(!names.contains(&"qemu-x86_64".to_owned()), "{names:?}");
    assert_eq!(names.contains(&"qemu-i386".to_owned()), !runs_32_bits());
}

#[test]
fn all_leaves_it_out() {
    let table = PrivateTable::new();
    armistice(&table, &["register", "all"]).ok();
    let names = table.names();
    assert!(
        names.len() > 5 && !names.contains(&"qemu-x86_64".to_owned()),
        "{names:?}"
    );
    assert_eq!(names.contains(&"qemu-i386".to_owned()), !runs_32_bits());
}

#[test]
fn insisting_wants_names_and_a_reason() {
    let table = PrivateTable::new();
    for args in [
        &["register", "--force-native", "to test"][..],
        &["register", "all", "--force-native", "to test"],
    ] {
        armistice(&table, args).exits(2).says("by name");
    }
    armistice(&table, &["register", "amd64", "--force-native", " "])
        .exits(1)
        .says("by itself");
    assert!(table.names().is_empty());
    if runs_32_bits() {
        armistice(
            &table,
            &["register", "i386", "--force-native", "to test QEMU"],
        )
        .ok()
        .says("to test QEMU");
        assert_eq!(table.names(), ["qemu-i386"]);
        armistice(&table, &["unregister", "i386"]).ok();
    }
}

/// An emulator that its own handler would take starts nothing, not even itself.
#[test]
fn a_handler_that_would_take_its_own_emulator_is_refused_whatever_the_reason() {
    let table = PrivateTable::new();
    armistice(&table, &["register", "amd64", "--force-native", "to test"])
        .exits(1)
        .says("ELOOP")
        .says("nothing was changed");
    assert!(table.names().is_empty());
}
