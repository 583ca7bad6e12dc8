//! The outer tar and its documents.
//!
//! `index.json` has one descriptor for each tag, all of the same manifest;
//! `manifest.json` has one image with all tags. Both lead to the same blobs.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use serde::Serialize;
use tar::{Builder, EntryType, Header};

use super::layer::{self, Measure};
use super::{Compression, ImageSpec, name};
use crate::config::ImageConfig;
use crate::json::{
    self, Config, Descriptor, DockerImage, History, Index, Manifest, PlatformJson, RootFs, Run,
};
use crate::{Error, digest};

/// Writes the whole archive.
pub(crate) fn write(image: &ImageSpec, out: impl Write) -> Result<(), Error> {
    let tags = unique_tags(image)?;
    let mut measures = Vec::new();
    for layer in &image.layers {
        measures.push(layer::write(image, layer, io::sink())?);
    }
    let documents = Documents::new(image, &tags, &measures)?;
    let mut tar = Outer {
        tar: Builder::new(out),
        mtime: image.timestamp,
    };
    tar.directory("blobs/")?;
    tar.directory("blobs/sha256/")?;
    // Equal layers are one blob.
    let blobs: BTreeMap<&str, Blob<'_>> = measures
        .iter()
        .enumerate()
        .map(|(i, m)| (m.digest.as_str(), Blob::Layer(i)))
        .chain(
            documents
                .blobs
                .iter()
                .map(|(d, b)| (d.as_str(), Blob::Document(b))),
        )
        .collect();
    for (hex, blob) in blobs {
        let name = blob_name(hex);
        match blob {
            Blob::Document(bytes) => tar.file(&name, bytes)?,
            Blob::Layer(i) => {
                if let (Some(layer), Some(measure)) = (image.layers.get(i), measures.get(i)) {
                    tar.layer(&name, image, layer, measure)?;
                }
            }
        }
    }
    tar.file("index.json", &documents.index)?;
    tar.file("manifest.json", &documents.docker)?;
    tar.file("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#)?;
    let mut out = tar.tar.into_inner().map_err(stream)?;
    out.flush().map_err(stream)
}

fn stream(source: io::Error) -> Error {
    Error::Stream { source }
}

/// The tags in their full form: podman would take a short one in `manifest.json`
/// for one of `localhost/`, and in `index.json` for one of Docker's.
fn unique_tags(image: &ImageSpec) -> Result<Vec<String>, Error> {
    let tags: Result<BTreeSet<String>, Error> =
        image.tags.iter().map(|tag| name::full(tag)).collect();
    Ok(tags?.into_iter().collect())
}

fn blob_name(hex: &str) -> String {
    format!("blobs/sha256/{hex}")
}

enum Blob<'a> {
    Layer(usize),
    Document(&'a [u8]),
}

/// The archive's JSON.
struct Documents {
    /// Configuration and manifest, by digest.
    blobs: Vec<(String, Vec<u8>)>,
    index: Vec<u8>,
    docker: Vec<u8>,
}

impl Documents {
    fn new(image: &ImageSpec, tags: &[String], measures: &[Measure]) -> Result<Documents, Error> {
        let config = text(&config(image, measures))?;
        let config_hex = digest::of(&config);
        let layers = image
            .layers
            .iter()
            .zip(measures)
            .map(|(layer, measure)| Descriptor {
                media_type: match layer.compression {
                    Compression::None => json::MEDIA_LAYER,
                    Compression::Gzip => json::MEDIA_LAYER_GZIP,
                }
                .to_owned(),
                digest: format!("sha256:{}", measure.digest),
                size: measure.size,
                ..Descriptor::default()
            });
        let manifest = text(&Manifest {
            schema_version: 2,
            media_type: json::MEDIA_MANIFEST.to_owned(),
            config: Descriptor {
                media_type: json::MEDIA_CONFIG.to_owned(),
                digest: format!("sha256:{config_hex}"),
                size: config.len() as u64,
                ..Descriptor::default()
            },
            layers: layers.collect(),
        })?;
        let manifest_hex = digest::of(&manifest);
        let descriptor = |annotations| Descriptor {
            media_type: json::MEDIA_MANIFEST.to_owned(),
            digest: format!("sha256:{manifest_hex}"),
            size: manifest.len() as u64,
            platform: Some(platform(&image.config)),
            annotations,
        };
        let named = tags.iter().map(|tag| descriptor(annotations(tag)));
        let mut manifests: Vec<Descriptor> = named.collect();
        if manifests.is_empty() {
            manifests.push(descriptor(BTreeMap::new()));
        }
        let index = text(&Index {
            schema_version: 2,
            media_type: json::MEDIA_INDEX.to_owned(),
            manifests,
        })?;
        let docker = text(&[DockerImage {
            config: blob_name(&config_hex),
            repo_tags: tags.to_vec(),
            layers: measures.iter().map(|m| blob_name(&m.digest)).collect(),
        }])?;
        Ok(Documents {
            blobs: vec![(config_hex, config), (manifest_hex, manifest)],
            index,
            docker,
        })
    }
}

fn text(document: &impl Serialize) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(document).map_err(|e| stream(e.into()))
}

fn annotations(tag: &str) -> BTreeMap<String, String> {
    let short = name::split(tag).1.unwrap_or("latest").to_owned();
    BTreeMap::from([
        (json::NAME_ANNOTATION.to_owned(), tag.to_owned()),
        (json::REF_ANNOTATION.to_owned(), short),
    ])
}

fn platform(config: &ImageConfig) -> PlatformJson {
    PlatformJson {
        architecture: config.platform.architecture.clone(),
        os: config.platform.os.clone(),
        variant: config.platform.variant.clone(),
    }
}

fn config(image: &ImageSpec, measures: &[Measure]) -> Config {
    let config = image.config.clone();
    let created = Some(rfc3339(image.timestamp));
    Config {
        created: created.clone(),
        architecture: config.platform.architecture,
        os: config.platform.os,
        variant: config.platform.variant,
        config: Run {
            volumes: BTreeMap::new(),
            user: config.user,
            env: config.env,
            entrypoint: config.entrypoint,
            cmd: config.cmd,
            working_dir: config.working_dir,
            labels: config.labels,
        },
        rootfs: RootFs {
            kind: "layers".to_owned(),
            diff_ids: measures
                .iter()
                .map(|m| format!("sha256:{}", m.diff_id))
                .collect(),
        },
        history: image
            .layers
            .iter()
            .map(|layer| History {
                created: created.clone(),
                created_by: Some(layer.comment.clone()),
            })
            .collect(),
    }
}

/// The last second of the year 9999, after which RFC 3339 has no form.
const LAST: u64 = 253_402_300_799;

/// Seconds since 1970 as RFC 3339 in UTC; what is later than [`LAST`] is that.
fn rfc3339(seconds: u64) -> String {
    let seconds = seconds.min(LAST);
    let (mut days, rest) = (seconds / 86_400, seconds % 86_400);
    let leap = |y: u64| y.is_multiple_of(4) && (!y.is_multiple_of(100) || y.is_multiple_of(400));
    let mut year = 1970;
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let february = 28 + u64::from(leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    let day = days + 1;
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// The outer tar.
struct Outer<W: Write> {
    tar: Builder<W>,
    mtime: u64,
}

impl<W: Write> Outer<W> {
    fn header(&self, kind: EntryType, mode: u32, size: u64) -> Header {
        let mut header = Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(self.mtime);
        header.set_size(size);
        header
    }

    fn directory(&mut self, name: &str) -> Result<(), Error> {
        let mut header = self.header(EntryType::Directory, 0o755, 0);
        self.tar
            .append_data(&mut header, name, io::empty())
            .map_err(stream)
    }

    fn file(&mut self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let mut header = self.header(EntryType::Regular, 0o644, bytes.len() as u64);
        self.tar
            .append_data(&mut header, name, bytes)
            .map_err(stream)
    }

    /// Makes the layer again, right into the archive.
    fn layer(
        &mut self,
        name: &str,
        image: &ImageSpec,
        layer: &super::Layer,
        measure: &Measure,
    ) -> Result<(), Error> {
        let mut header = self.header(EntryType::Regular, 0o644, measure.size);
        header.set_path(name).map_err(stream)?;
        header.set_cksum();
        let out = self.tar.get_mut();
        out.write_all(header.as_bytes()).map_err(stream)?;
        let mut exact = Fits {
            out: &mut *out,
            left: measure.size,
        };
        let second = layer::write(image, layer, &mut exact);
        let changed = || Error::InputChanged {
            layer: layer.comment.clone(),
        };
        match second {
            // More bytes than the first time, so it did not go on.
            Err(Error::Stream { source })
                if source.kind() == io::ErrorKind::FileTooLarge
                    && source.raw_os_error().is_none() =>
            {
                return Err(changed());
            }
            Err(e) => return Err(e),
            Ok(second) if second != *measure => return Err(changed()),
            Ok(_) => {}
        }
        let padding = measure.size.next_multiple_of(512) - measure.size;
        io::copy(&mut io::Read::take(io::repeat(0), padding), out).map_err(stream)?;
        Ok(())
    }
}

/// Passes on only as many bytes as the header promised.
struct Fits<'a, W: Write> {
    out: &'a mut W,
    left: u64,
}

impl<W: Write> Write for Fits<'_, W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if buf.len() as u64 > self.left {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let n = self.out.write(buf)?;
        self.left -= n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (LAST, "9999-12-31T23:59:59Z"),
            (u64::MAX, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(rfc3339(seconds), text);
        }
    }
}
