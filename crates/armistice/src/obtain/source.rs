//! Sources of images for the store: a registry, an archive, a tar of a root.

use std::fs::File;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::Path;

use anyhow::{Context, Result, bail};
use armistice_arch::{Arch, ElfHeader, Platform};
use armistice_oci::document::{self, BlobRef};
use armistice_oci::stream::{self, Fault, MemberKind, Method};
use armistice_oci::{Absent, Archive, Digest, Hashing, Image, Reference};
use armistice_registry::{Client, Lookup, Options};
use armistice_store::{Near, Source, SourceError, Top, Wanted, choose};

use super::label::Otherwise;
use crate::cli::Fetching;
use crate::outcome::{Usage, in_full};
use crate::output::{Output, shown};

/// An image of a registry.
pub(crate) struct RegistrySource<'a> {
    client: Client<'a>,
    wanted: String,
    output: Output,
}

impl<'a> RegistrySource<'a> {
    pub(crate) fn new(
        image: &Reference,
        args: &Fetching,
        lookup: &'a Lookup<'a>,
        output: Output,
    ) -> Result<RegistrySource<'a>> {
        let options = Options {
            tls_ca: args.tls_ca.clone(),
            insecure: args.insecure,
            mirrors: args
                .mirrors
                .iter()
                .filter(|m| !m.is_empty())
                .cloned()
                .collect(),
        };
        Ok(RegistrySource {
            client: Client::new(image, &options, lookup)?,
            wanted: image.wanted(),
            output,
        })
    }
}

impl Source for RegistrySource<'_> {
    fn top(&self) -> Result<Top, SourceError> {
        let fetched = self.client.manifest(&self.wanted)?;
        for why in self.client.passed_over() {
            let why = shown(&in_full(&why.into()));
            self.output
                .detail(format!("A mirror is passed over: {why}"));
        }
        Ok(Top {
            bytes: fetched.bytes,
            media_type: fetched.media_type,
        })
    }

    fn manifest(&self, digest: &Digest) -> Result<Vec<u8>, SourceError> {
        Ok(self.client.manifest(&digest.to_string())?.bytes)
    }

    fn config(&self, digest: &Digest) -> Result<Vec<u8>, SourceError> {
        let mut bytes = Vec::new();
        let (_, reader) = self.client.blob(digest, 0)?;
        reader.take(document::SIZE_MAX).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn layer(
        &self,
        _: usize,
        digest: &Digest,
        offset: u64,
    ) -> Result<(u64, Box<dyn Read + Send>), SourceError> {
        Ok(self.client.blob(digest, offset)?)
    }

    fn is_near(&self) -> bool {
        false
    }
}

/// One image of an archive, and its names.
pub(crate) fn archive(path: &Path, wanted: &Wanted) -> Result<(impl Source, Vec<String>)> {
    let archive = Archive::open(path)?;
    let absent = archive.absent().to_vec();
    let images = archive.into_images();
    let platforms: Vec<&Platform> = images.iter().map(Image::platform).collect();
    let asked = match &wanted.exactly {
        Some(exactly) => exactly,
        None if platforms.iter().all(|p| Some(p) == platforms.first()) => {
            platforms.first().copied().unwrap_or(&wanted.otherwise)
        }
        None => &wanted.otherwise,
    };
    let Some(chosen) = choose(platforms.iter().copied(), asked) else {
        return Err(no_such_platform(path, asked, &images, &absent));
    };
    is_alone(path, &images, chosen)?;
    let image = images.into_iter().nth(chosen).context("no image")?;
    let config = image.config_document()?;
    let manifest = match image.manifest_document()? {
        Some(manifest) => manifest,
        None => made_manifest(&image, &config)?,
    };
    let names = image.names().to_vec();
    let layers = move |number: usize| -> Result<Box<dyn Read + Send>, SourceError> {
        Ok(Box::new(image.open_layer(number)?.0))
    };
    let near = Near {
        manifest,
        config,
        layers,
    };
    Ok((near, names))
}

/// Says which platforms an archive's images are for, none of which serves.
fn no_such_platform(
    path: &Path,
    asked: &Platform,
    images: &[Image],
    absent: &[Absent],
) -> anyhow::Error {
    let only = images.first().filter(|_| images.len() == 1);
    let otherwise = only.and_then(|image| Otherwise::in_root(image.platform(), image));
    let mut there: Vec<Platform> = images.iter().map(|i| i.platform().clone()).collect();
    there.dedup();
    let named = absent.iter().filter_map(|a| a.platform.as_ref());
    let also = named.map(|p| format!("{p} is named in it, but not saved"));
    let otherwise = otherwise.filter(|o| o.platform.distance_from(asked).is_some());
    let error = armistice_store::Error::NoSuchPlatform {
        name: path.display().to_string(),
        wanted: asked.clone(),
        there,
    };
    let otherwise = otherwise.into_iter().map(|o| {
        format!(
            "{} is {o}: 'armistice run' without --platform runs it as {}",
            path.display(),
            o.platform
        )
    });
    let also: Vec<String> = also.chain(otherwise).collect();
    match also.is_empty() {
        true => error.into(),
        false => anyhow::Error::from(error).context(also.join("; ")),
    }
}

/// Refuses an archive that holds another image for the platform of the chosen one. Of one
/// image, an index may list a platform twice, as arm64 and arm64/v8: the first serves, as a
/// registry's does.
fn is_alone(path: &Path, images: &[Image], chosen: usize) -> Result<()> {
    let (platform, own) = (images[chosen].platform(), images[chosen].names());
    let another = |i: &&Image| i.platform() == platform && (own.is_empty() || i.names() != own);
    let itself = usize::from(own.is_empty());
    if images.iter().filter(another).count() > itself {
        let names: Vec<&str> = images
            .iter()
            .flat_map(Image::names)
            .map(String::as_str)
            .collect();
        bail!(
            "{} holds several images for one platform ({}); save one of them by itself",
            path.display(),
            names.join(", ")
        );
    }
    Ok(())
}

/// A docker-archive has none: its layers are named by what they are unpacked.
fn made_manifest(image: &Image, config: &[u8]) -> Result<Vec<u8>> {
    let (_, diff_ids) = document::config(config, image.layer_count(), None)?;
    let mut layers = Vec::new();
    for (number, digest) in diff_ids.into_iter().enumerate() {
        let (_, size) = image.open_layer(number)?;
        layers.push(BlobRef { digest, size });
    }
    Ok(document::manifest_of(&blob(config), &layers))
}

fn blob(bytes: &[u8]) -> BlobRef {
    BlobRef {
        digest: Digest::of(bytes),
        size: bytes.len() as u64,
    }
}

/// A tar of a root folder, as one layer of an image without a command.
///
/// Reads it through once: for its digest, and for what its programs are.
pub(crate) fn root_tar(path: &Path, wanted: &Wanted) -> Result<impl Source> {
    let file = File::open(path).with_context(|| format!("can't open {}", path.display()))?;
    let size = file.metadata().map(|m| m.len()).unwrap_or(0);
    let (digest, found) =
        look_through(file).with_context(|| format!("can't read {}", path.display()))?;
    let platform = match (&wanted.exactly, found) {
        (Some(exactly), Some(found)) if found.distance_from(exactly).is_none() => {
            return Err(armistice_store::Error::NoSuchPlatform {
                name: path.display().to_string(),
                wanted: exactly.clone(),
                there: vec![found],
            }
            .into());
        }
        (Some(exactly), _) => exactly.clone(),
        (None, Some(found)) => found,
        (None, None) => {
            return Err(Usage(format!(
                "{} has no program that tells what it is for; say so with --platform",
                path.display()
            ))
            .into());
        }
    };
    let config = document::bare_config(&platform, &digest);
    let layer = BlobRef { digest, size };
    let path = path.to_owned();
    Ok(Near {
        manifest: document::manifest_of(&blob(&config), &[layer]),
        config,
        layers: move |_: usize| -> Result<Box<dyn Read + Send>, SourceError> {
            Ok(Box::new(File::open(&path)?))
        },
    })
}

/// The digest of the tar, and the platform of the first program in it.
fn look_through(mut file: File) -> Result<(Digest, Option<Platform>)> {
    let mut first = [0; 512];
    let n = file.read(&mut first)?;
    io::Seek::rewind(&mut file)?;
    let method = Method::of(first.get(..n).unwrap_or_default());
    let mut tar = Hashing::new(stream::decode(method, file));
    let mut platform = None;
    let walked = stream::stream(&mut tar, &mut |member, bytes| {
        if platform.is_none() && member.kind == MemberKind::File && member.mode & 0o111 != 0 {
            let mut head = Vec::new();
            bytes.take(64).read_to_end(&mut head)?;
            platform = platform_of(&head);
        }
        Ok(ControlFlow::Continue(()))
    });
    match walked {
        Ok(()) => {}
        Err(Fault::CutOff(at)) => bail!("it is cut off at {at}"),
        Err(Fault::Bad(at, reason)) => bail!("{reason} (at {at})"),
        Err(Fault::Io(e)) => return Err(e.into()),
    }
    io::copy(&mut tar, &mut io::sink())?;
    Ok((tar.into_digest().1, platform))
}

/// The first program in a tar of a root, and its platform.
pub(crate) fn first_program(path: &Path) -> Result<Option<(String, Platform)>> {
    let mut file = File::open(path)?;
    let mut first = [0; 512];
    let n = file.read(&mut first)?;
    io::Seek::rewind(&mut file)?;
    let method = Method::of(first.get(..n).unwrap_or_default());
    let mut found = None;
    let walked = stream::stream(stream::decode(method, file), &mut |member, bytes| {
        if member.kind == MemberKind::File && member.mode & 0o111 != 0 {
            let mut head = Vec::new();
            bytes.take(64).read_to_end(&mut head)?;
            if let Some(platform) = platform_of(&head) {
                found = Some((named(&member.name), platform));
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    });
    match walked {
        Err(_) if found.is_none() => bail!("it can't be read"),
        _ => Ok(found),
    }
}

/// A member's path in the root.
fn named(path: &[u8]) -> String {
    let path = String::from_utf8_lossy(path);
    format!("/{}", path.trim_start_matches("./").trim_start_matches('/'))
}

fn platform_of(head: &[u8]) -> Option<Platform> {
    let arch = Arch::of_elf(&ElfHeader::parse(head).ok()?)?;
    Platform::of(arch)
}
