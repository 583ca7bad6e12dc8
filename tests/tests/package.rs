//! Promise: the Debian package installs, and brings the command, its man page
//! without a formatting error, completions and a unit that systemd understands.

use std::process::Command;

use e2e::{need, product, run};

#[test]
fn the_package_is_whole() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    run(Command::new(cargo)
        .args(["xtask", "deb"])
        .current_dir(product::workspace()))
    .ok();
    let package =
        product::target_dir().join(format!("armistice_{}_amd64.deb", env!("CARGO_PKG_VERSION")));
    let root = e2e::temporary();
    run(Command::new(need::program("dpkg-deb", "dpkg"))
        .arg("--extract")
        .arg(&package)
        .arg(root.path()))
    .ok();

    let binary = root.path().join("usr/bin/armistice");
    run(Command::new(&binary).arg("--version"))
        .ok()
        .says(env!("CARGO_PKG_VERSION"));

    let folder = root.path().join("usr/libexec/armistice");
    let engines = product::ENGINES.map(|name| folder.join(name));
    for (engine, name) in engines.iter().zip(product::ENGINES) {
        run(Command::new(engine).arg("--version"))
            .ok()
            .prints(&format!("{name} {}", env!("CARGO_PKG_VERSION")));
    }

    for file in std::iter::once(&binary).chain(&engines) {
        let bytes = std::fs::read(file).expect("a program");
        let symbols = bytes.windows(8).any(|name| name == b".symtab\0");
        assert!(!symbols, "{} is not stripped", file.display());
    }

    let page = root.path().join("usr/share/man/man1/armistice.1.gz");
    let man = run(Command::new(need::program("man", "man-db"))
        .arg("--warnings")
        .arg("-l")
        .arg(&page))
    .ok();
    assert_eq!(man.stderr, "", "troff has something to say");
    man.says("ARMISTICE REGISTER")
        .says("--persist")
        .says("ARMISTICE_EMULATOR_DIR");

    let bash = root
        .path()
        .join("usr/share/bash-completion/completions/armistice");
    let script = format!(
        ". '{}'; COMP_WORDS=(armistice reg); COMP_CWORD=1; _armistice armistice reg armistice; echo ${{COMPREPLY[@]}}",
        bash.display()
    );
    run(Command::new("bash").args(["-c", &script]))
        .ok()
        .prints("register");

    let unit = root
        .path()
        .join("usr/lib/systemd/system/armistice-guard.service");
    let text = std::fs::read_to_string(&unit).expect("the unit");
    // Checked where its command is: in the unpacked package.
    let moved = root.path().join("armistice-guard.service");
    std::fs::write(
        &moved,
        text.replace("/usr/bin/armistice", &binary.to_string_lossy()),
    )
    .expect("written");
    let verify = run(Command::new(need::program("systemd-analyze", "systemd"))
        .args(["verify", "--man=no"])
        .arg(&moved));
    assert!(
        verify.status.success() && verify.stderr.is_empty(),
        "{verify}"
    );
}
