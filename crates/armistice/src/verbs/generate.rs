//! `generate`: man page and completions, from the one definition.

use anyhow::Result;
use clap::CommandFactory;

use crate::cli::{Cli, Generate};
use crate::outcome::Outcome;
use crate::output::Output;

pub(crate) fn run(what: &Generate, output: Output) -> Result<Outcome> {
    let mut command = Cli::command();
    let mut text = Vec::new();
    match what {
        Generate::Man => man(command, &mut text)?,
        Generate::Completions { shell } => {
            clap_complete::generate(*shell, &mut command, "armistice", &mut text);
        }
    }
    output.answer(String::from_utf8_lossy(&text).trim_end());
    Ok(Outcome::Done)
}

/// One page: the command, then each verb with its options.
fn man(command: clap::Command, text: &mut Vec<u8>) -> Result<()> {
    let mut command = command.disable_help_subcommand(true);
    command.build();
    let page = clap_mangen::Man::new(command.clone());
    page.render_title(text)?;
    page.render_name_section(text)?;
    page.render_synopsis_section(text)?;
    page.render_description_section(text)?;
    page.render_options_section(text)?;
    for verb in command.get_subcommands().filter(|v| !v.is_hide_set()) {
        section(verb, &format!("armistice {}", verb.get_name()), text)?;
    }
    text.extend_from_slice(MORE.as_bytes());
    page.render_extra_section(text)?;
    page.render_version_section(text)?;
    Ok(())
}

/// A verb's own part, with its headings one level down.
fn section(verb: &clap::Command, path: &str, text: &mut Vec<u8>) -> Result<()> {
    text.extend_from_slice(format!(".SH \"{}\"\n", path.to_uppercase()).as_bytes());
    let page = clap_mangen::Man::new(verb.clone());
    let mut inner = Vec::new();
    page.render_description_section(&mut inner)?;
    if verb.get_subcommands().next().is_none() {
        page.render_synopsis_section(&mut inner)?;
        page.render_options_section(&mut inner)?;
    }
    text.extend_from_slice(
        String::from_utf8_lossy(&inner)
            .replace(".SH ", ".SS ")
            .as_bytes(),
    );
    for verb in verb.get_subcommands() {
        section(verb, &format!("{path} {}", verb.get_name()), text)?;
    }
    Ok(())
}

/// What the definition of the command line does not know.
const MORE: &str = r#".SH FILES
.TP
.I /proc/sys/fs/binfmt_misc
The kernel's table.
.TP
.I /etc/binfmt.d/zz\-armistice.conf, /usr/local/libexec/armistice
What \fBregister \-\-persist\fR writes: the rules for the next boot, and copies of the emulators.
.TP
.I /var/lib/armistice/baked, $XDG_CACHE_HOME/armistice/baked
What \fBcache warm\fR writes, as root and as a user.
.TP
.I /usr/libexec/armistice
Emulators that come with Armistice: in its image.
.SH ENVIRONMENT
.TP
.B ARMISTICE_EMULATOR_DIR
Folders in which emulators are looked for, separated by colons; after \-\-emulator\-dir, before all others.
.TP
.B ARMISTICE_CACHE_DIR
The folder that \fBcache\fR is about, and in which \fBregister\fR and \fBrun\fR look for what it made.
.TP
.B SOURCE_DATE_EPOCH
The time stamp of the files in \fBimage build\fR, in seconds.
.TP
.B NO_COLOR
If not empty, no colours.
.SH "SEE ALSO"
.BR binfmt.d (5),
.BR systemd\-binfmt.service (8),
.BR docker (1),
.BR podman (1)
"#;
