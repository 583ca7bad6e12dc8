//! `pull`: an image into the store. Names a folder or an archive as well.

use anyhow::Result;
use serde::Serialize;

use crate::cli::{Format, Pull};
use crate::obtain::{self, Elsewhere, Given};
use crate::outcome::Outcome;
use crate::output::{Output, megabytes, shown};

/// The answer for programs.
#[derive(Debug, Serialize)]
struct Answer {
    schema: u32,
    names: Vec<String>,
    platform: String,
    digest: String,
    layers: usize,
    new_layers: usize,
    bytes: u64,
    devices_left_out: u64,
    xattrs_left_out: u64,
}

pub(crate) fn run(args: &Pull, output: Output) -> Result<Outcome> {
    let given = Given::parse(&args.image)?;
    let fetching = &args.fetching;
    let elsewhere = Elsewhere::new(&given, output);
    let (store, keyring) = obtain::open_to_fetch(&given, fetching, output)?;
    let name = args.name.as_deref();
    let obtained = obtain::pull(&store, &keyring, &given, name, fetching, output);
    let obtained = obtained.map_err(|error| match &given {
        Given::Image(_) => elsewhere.told(error, &args.image),
        _ => error,
    })?;
    let pulled = &obtained.pulled;
    let answer = Answer {
        schema: 1,
        names: obtained.names.clone(),
        platform: pulled.platform.to_string(),
        digest: pulled.manifest.to_string(),
        layers: pulled.layers,
        new_layers: pulled.new_layers,
        bytes: pulled.disk,
        devices_left_out: pulled.left_out.devices,
        xattrs_left_out: pulled.left_out.xattrs,
    };
    match args.output {
        Format::Json => output.json(&answer)?,
        Format::Name => answer.names.iter().for_each(|name| output.data(name)),
        Format::Table => {
            for name in &answer.names {
                output.report(format!(
                    "{}  {}  {}",
                    shown(name),
                    shown(&answer.platform),
                    answer.digest
                ));
            }
            output.report(format!(
                "  layers: {}, new: {}; {}",
                answer.layers,
                answer.new_layers,
                megabytes(answer.bytes)
            ));
        }
    }
    Ok(Outcome::Done)
}
