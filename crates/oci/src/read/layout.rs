//! From an archive's documents to its images.
//!
//! An OCI layout's `index.json` is followed down to image manifests; a
//! docker-archive's `manifest.json` lists them. Where an archive has both (as
//! Docker writes since version 25), the index counts, and `manifest.json` adds
//! names, and what the index lacks: all images, or an image's layers. What is no image (attestations, signatures, charts) is left out,
//! and so is a platform whose manifest is not in the archive ([`Absent`]).

use std::collections::BTreeSet;

use armistice_arch::Platform;

use super::Absent;
use super::layer::LayerRef;
use super::store::Store;
use crate::config::ImageConfig;
use crate::json::{self, Descriptor, DockerImage, Index, Manifest};
use crate::{Error, digest};

/// How deep indexes may lie in one another; real ones reach two.
const DEPTH_MAX: usize = 8;

/// How many descriptors are looked at; an index may be named again and again.
const DESCRIPTORS_MAX: usize = 10_000;

/// One image, as the documents describe it.
#[derive(Debug)]
pub(crate) struct Described {
    /// The manifest's digest, if it has one.
    pub(crate) digest: Option<String>,
    pub(crate) names: Vec<String>,
    pub(crate) config: ImageConfig,
    pub(crate) layers: Vec<LayerRef>,
    /// The configuration's name in the archive.
    pub(crate) config_member: String,
}

/// All images of an archive.
pub(crate) fn images(store: &Store) -> Result<(Vec<Described>, Vec<Absent>), Error> {
    let index = store.get("index.json")?;
    let docker = store.get("manifest.json")?;
    if index.is_none() && docker.is_none() {
        return Err(store.missing("index.json"));
    }
    let mut images = Vec::new();
    let mut absent = Vec::new();
    let list: Vec<DockerImage> = match docker {
        Some(blob) => {
            let bytes = store.document("manifest.json", &blob)?;
            store.parse("manifest.json", &bytes)?
        }
        None => Vec::new(),
    };
    if let Some(blob) = index {
        let bytes = store.document("index.json", &blob)?;
        let index: Index = store.parse("index.json", &bytes)?;
        let mut search = Search {
            store,
            seen: BTreeSet::new(),
            count: 0,
            docker: &list,
            images: &mut images,
            absent: &mut absent,
        };
        search.index(&index, &[], 0)?;
        add_docker_names(&mut images, &list);
    }
    if images.is_empty() {
        for image in &list {
            images.push(docker_image(store, image)?);
        }
    }
    if images.is_empty() {
        return Err(Error::NoImage {
            archive: store.path.clone(),
        });
    }
    Ok((images, absent))
}

/// The way down an OCI layout.
struct Search<'a> {
    store: &'a Store,
    /// Digests of what is no index and was looked at.
    seen: BTreeSet<String>,
    /// How many descriptors were looked at.
    count: usize,
    /// What `manifest.json` lists.
    docker: &'a [DockerImage],
    images: &'a mut Vec<Described>,
    absent: &'a mut Vec<Absent>,
}

impl Search<'_> {
    fn index(&mut self, index: &Index, names: &[String], depth: usize) -> Result<(), Error> {
        for descriptor in &index.manifests {
            self.count += 1;
            if depth > DEPTH_MAX || self.count > DESCRIPTORS_MAX {
                return Err(Error::TooDeep {
                    archive: self.store.path.clone(),
                });
            }
            if is_attestation(descriptor) {
                continue;
            }
            let mut names = names.to_vec();
            names.extend(name_of(descriptor));
            self.descriptor(descriptor, &names, depth)?;
        }
        Ok(())
    }

    fn descriptor(
        &mut self,
        descriptor: &Descriptor,
        names: &[String],
        depth: usize,
    ) -> Result<(), Error> {
        let name = &descriptor.digest;
        // An index may have another name now, which all below it have then.
        let is_index = matches!(
            descriptor.media_type.as_str(),
            json::MEDIA_INDEX | json::MEDIA_DOCKER_LIST
        );
        if !is_index && !self.seen.insert(name.clone()) {
            // A second name of the same manifest.
            let known = self.images.iter_mut();
            for image in known.filter(|i| i.digest.as_ref() == Some(name)) {
                add_names(&mut image.names, names);
            }
            return Ok(());
        }
        let Some(bytes) = checked(self.store, descriptor)? else {
            let absent = Absent {
                digest: name.clone(),
                platform: descriptor.platform.as_ref().map(platform),
            };
            if !self.absent.contains(&absent) {
                self.absent.push(absent);
            }
            return Ok(());
        };
        if is_index {
            let index: Index = self.store.parse(name, &bytes)?;
            return self.index(&index, names, depth + 1);
        }
        match descriptor.media_type.as_str() {
            json::MEDIA_MANIFEST | json::MEDIA_DOCKER_MANIFEST => {
                let manifest: Manifest = self.store.parse(name, &bytes)?;
                self.manifest(descriptor, &manifest, names)
            }
            // Something else, which is no image.
            _ => Ok(()),
        }
    }

    fn manifest(
        &mut self,
        descriptor: &Descriptor,
        manifest: &Manifest,
        names: &[String],
    ) -> Result<(), Error> {
        let config = &manifest.config;
        if !matches!(
            config.media_type.as_str(),
            json::MEDIA_CONFIG | json::MEDIA_DOCKER_CONFIG
        ) {
            return Ok(());
        }
        let bytes =
            checked(self.store, config)?.ok_or_else(|| self.store.missing(&config.digest))?;
        let doc: json::Config = self.store.parse(&config.digest, &bytes)?;
        let mut layers = Vec::new();
        for layer in &manifest.layers {
            layers.push(LayerRef {
                name: layer.digest.clone(),
                member: self.store.blob_name(&layer.digest)?,
                digest: digest::hex_of(&layer.digest).map(str::to_owned),
                diff_id: None,
                size: Some(layer.size),
            });
        }
        // A manifest without the layers that its configuration has is filled up
        // from `manifest.json`, which may know them.
        if layers.is_empty() && !doc.rootfs.diff_ids.is_empty() {
            let hex = digest::hex_of(&config.digest);
            let known = self.docker.iter().find(|i| hex_in(&i.config) == hex);
            layers = known.map(docker_layers).unwrap_or_default();
        }
        add_diff_ids(self.store, &mut layers, &doc)?;
        let mut own = Vec::new();
        add_names(&mut own, names);
        self.images.push(Described {
            digest: Some(descriptor.digest.clone()),
            names: own,
            config: ImageConfig::from_json(&doc, descriptor.platform.as_ref()),
            layers,
            config_member: self.store.blob_name(&config.digest)?,
        });
        Ok(())
    }
}

/// A document by its descriptor, its size and digest verified; `None` where the
/// archive has it not.
fn checked(store: &Store, descriptor: &Descriptor) -> Result<Option<Vec<u8>>, Error> {
    let name = &descriptor.digest;
    let Some(blob) = store.by_digest(name)? else {
        return Ok(None);
    };
    let bytes = store.document(name, &blob)?;
    if blob.len != descriptor.size {
        return Err(Error::WrongSize {
            archive: store.path.clone(),
            name: name.clone(),
            wanted: descriptor.size,
            found: blob.len,
        });
    }
    if let Some(hex) = digest::hex_of(name) {
        store.check_digest(hex, &bytes)?;
    }
    Ok(Some(bytes))
}

/// What buildx puts beside an image has no platform that a machine could be.
pub(crate) fn is_attestation(descriptor: &Descriptor) -> bool {
    let unknown = descriptor
        .platform
        .as_ref()
        .is_some_and(|p| p.os == "unknown" && p.architecture == "unknown");
    unknown
        || descriptor
            .annotations
            .contains_key(json::DOCKER_TYPE_ANNOTATION)
}

fn platform(p: &json::PlatformJson) -> Platform {
    Platform::new(&p.os, &p.architecture, &p.variant)
}

/// The name a descriptor gives its image, the full one if there is one.
fn name_of(descriptor: &Descriptor) -> Option<String> {
    let annotation = |key| descriptor.annotations.get(key).cloned();
    annotation(json::NAME_ANNOTATION)
        .or_else(|| annotation(json::REF_ANNOTATION))
        .filter(|name| !name.is_empty())
}

fn add_names(to: &mut Vec<String>, names: &[String]) {
    for name in names {
        if !to.contains(name) {
            to.push(name.clone());
        }
    }
}

/// `manifest.json` calls images by other names than the index: Docker's short
/// ones. They are added only where the index gives an image none, or not all.
fn add_docker_names(images: &mut [Described], list: &[DockerImage]) {
    for entry in list {
        let same = |i: &&mut Described| i.config_member == entry.config;
        if let Some(image) = images.iter_mut().find(same) {
            let new: Vec<String> = entry
                .repo_tags
                .iter()
                .filter(|tag| {
                    let full = crate::write::full_name(tag).ok();
                    !image
                        .names
                        .iter()
                        .any(|n| n == *tag || Some(n) == full.as_ref())
                })
                .cloned()
                .collect();
            add_names(&mut image.names, &new);
        }
    }
}

/// An image of a docker-archive.
fn docker_image(store: &Store, image: &DockerImage) -> Result<Described, Error> {
    let blob = store
        .get(&image.config)?
        .ok_or_else(|| store.missing(&image.config))?;
    let bytes = store.document(&image.config, &blob)?;
    if let Some(hex) = hex_in(&image.config) {
        store.check_digest(hex, &bytes)?;
    }
    let doc: json::Config = store.parse(&image.config, &bytes)?;
    let mut layers = docker_layers(image);
    add_diff_ids(store, &mut layers, &doc)?;
    Ok(Described {
        digest: None,
        names: image.repo_tags.clone(),
        config: ImageConfig::from_json(&doc, None),
        layers,
        config_member: image.config.clone(),
    })
}

/// The layers that `manifest.json` lists.
fn docker_layers(image: &DockerImage) -> Vec<LayerRef> {
    let layer = |name: &String| LayerRef {
        // Only a blob is called by its digest: `<hex>/layer.tar` is not.
        digest: name
            .strip_prefix("blobs/sha256/")
            .filter(|hex| digest::is_hex(hex))
            .map(str::to_owned),
        member: name.clone(),
        name: name.clone(),
        diff_id: None,
        size: None,
    };
    image.layers.iter().map(layer).collect()
}

/// The digest a configuration's name holds: `<hex>.json` or `blobs/sha256/<hex>`.
fn hex_in(name: &str) -> Option<&str> {
    let file = name.rsplit('/').next()?;
    let hex = file.strip_suffix(".json").unwrap_or(file);
    digest::is_hex(hex).then_some(hex)
}

fn add_diff_ids(store: &Store, layers: &mut [LayerRef], doc: &json::Config) -> Result<(), Error> {
    let ids = &doc.rootfs.diff_ids;
    if ids.len() != layers.len() {
        return Err(Error::LayerCount {
            archive: store.path.clone(),
            layers: layers.len(),
            diff_ids: ids.len(),
        });
    }
    for (layer, id) in layers.iter_mut().zip(ids) {
        layer.diff_id = digest::hex_of(id).map(str::to_owned);
    }
    Ok(())
}
