//! Manifests, indexes and configurations, from their bytes and to them.
//!
//! The caller checks that the bytes are those that a digest names.

use armistice_arch::Platform;

use crate::config::ImageConfig;
use crate::digest::Digest;
use crate::json::{self, Config, Descriptor, Index, Manifest, RootFs};

/// Documents larger than this are not read.
pub const SIZE_MAX: u64 = crate::read::JSON_MAX;

/// The most layers an image may have: as many as overlay takes.
pub const LAYERS_MAX: usize = 500;

/// The media types to ask a registry for.
pub const MANIFEST_TYPES: [&str; 4] = [
    json::MEDIA_INDEX,
    json::MEDIA_MANIFEST,
    json::MEDIA_DOCKER_LIST,
    json::MEDIA_DOCKER_MANIFEST,
];

/// What is wrong with a document.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// It is not JSON, or not of the form that the format demands.
    #[error("it is not as the format demands")]
    Json(#[source] serde_json::Error),
    /// It says that it is something else.
    #[error("its media type '{0}' is not an image's")]
    MediaType(String),
    /// It is an index and a manifest at once: one digest would name two images.
    #[error("it is both an index and a manifest")]
    Ambiguous,
    /// It names a blob by another kind of digest.
    #[error("'{0}' is not a sha256 digest")]
    Digest(String),
    /// A layer is packed in a way that nobody here unpacks.
    #[error("its layer {digest} has the media type '{media_type}', which can't be unpacked")]
    LayerType {
        /// Which layer.
        digest: Digest,
        /// As it is written there.
        media_type: String,
    },
    /// Manifest and configuration do not agree.
    #[error("it has {layers} layers, but its configuration lists {diff_ids}")]
    LayerCount {
        /// How many the manifest has.
        layers: usize,
        /// How many the configuration has.
        diff_ids: usize,
    },
    /// Indexes in indexes, more than any real image has.
    #[error("there are more than {0} indexes in it")]
    TooManyIndexes(usize),
    /// More layers than can be stacked.
    #[error("it has {0} layers, and only {LAYERS_MAX} can be stacked")]
    TooManyLayers(usize),
}

/// A blob that a document names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobRef {
    /// What its bytes hash to.
    pub digest: Digest,
    /// How many they are.
    pub size: u64,
}

/// One image of several, or an index of several more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its manifest, or the index.
    pub manifest: BlobRef,
    /// That it is an index again.
    pub is_index: bool,
    /// Its platform, where the list tells it.
    pub platform: Option<Platform>,
}

/// One image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageManifest {
    /// Its configuration.
    pub config: BlobRef,
    /// Its layers, the lowest first.
    pub layers: Vec<BlobRef>,
}

/// What a tag may lead to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Document {
    /// Images of several platforms; attestations are left out.
    Index(Vec<Listed>),
    /// One image.
    Image(ImageManifest),
}

impl Document {
    /// From the bytes of a manifest or an index. `media_type` is what the server
    /// said, and counts where the document itself says nothing.
    ///
    /// # Errors
    /// [`DocumentError`].
    pub fn parse(bytes: &[u8], media_type: &str) -> Result<Document, DocumentError> {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Kind {
            #[serde(default)]
            media_type: Option<String>,
            #[serde(default)]
            manifests: Option<serde::de::IgnoredAny>,
            #[serde(default)]
            layers: Option<serde::de::IgnoredAny>,
        }
        let kind: Kind = serde_json::from_slice(bytes).map_err(DocumentError::Json)?;
        let said = kind.media_type.unwrap_or_default();
        let said = if said.is_empty() {
            // `application/json; charset=utf-8` says nothing either.
            media_type.split(';').next().unwrap_or_default().trim()
        } else {
            &said
        };
        if kind.manifests.is_some() && kind.layers.is_some() {
            return Err(DocumentError::Ambiguous);
        }
        match said {
            json::MEDIA_INDEX | json::MEDIA_DOCKER_LIST => index(bytes),
            json::MEDIA_MANIFEST | json::MEDIA_DOCKER_MANIFEST => image(bytes),
            "" | "application/json" | "application/octet-stream" | "text/plain" => {
                match (kind.manifests, kind.layers) {
                    (Some(_), None) => index(bytes),
                    (None, Some(_)) => image(bytes),
                    _ => Err(DocumentError::MediaType(said.to_owned())),
                }
            }
            other => Err(DocumentError::MediaType(other.chars().take(200).collect())),
        }
    }
}

fn index(bytes: &[u8]) -> Result<Document, DocumentError> {
    let index: Index = serde_json::from_slice(bytes).map_err(DocumentError::Json)?;
    let mut listed = Vec::new();
    for descriptor in &index.manifests {
        let is_index = match descriptor.media_type.as_str() {
            "" | json::MEDIA_MANIFEST | json::MEDIA_DOCKER_MANIFEST => false,
            json::MEDIA_INDEX | json::MEDIA_DOCKER_LIST => true,
            _ => continue,
        };
        if !crate::read::is_attestation(descriptor) {
            let platform = descriptor.platform.as_ref();
            listed.push(Listed {
                manifest: blob(descriptor)?,
                is_index,
                platform: platform.map(|p| Platform::new(&p.os, &p.architecture, &p.variant)),
            });
        }
    }
    Ok(Document::Index(listed))
}

fn image(bytes: &[u8]) -> Result<Document, DocumentError> {
    let manifest: Manifest = serde_json::from_slice(bytes).map_err(DocumentError::Json)?;
    let config = &manifest.config;
    if !matches!(
        config.media_type.as_str(),
        json::MEDIA_CONFIG | json::MEDIA_DOCKER_CONFIG
    ) {
        let media_type = config.media_type.chars().take(200).collect();
        return Err(DocumentError::MediaType(media_type));
    }
    if manifest.layers.len() > LAYERS_MAX {
        return Err(DocumentError::TooManyLayers(manifest.layers.len()));
    }
    let mut layers = Vec::new();
    for layer in &manifest.layers {
        let known = blob(layer)?;
        if !is_layer(&layer.media_type) {
            return Err(DocumentError::LayerType {
                digest: known.digest,
                media_type: layer.media_type.chars().take(200).collect(),
            });
        }
        layers.push(known);
    }
    Ok(Document::Image(ImageManifest {
        config: blob(config)?,
        layers,
    }))
}

/// Tars, plain or compressed by gzip or zstd; which, their first bytes say. What may
/// not be distributed by everybody is fetched like the rest.
fn is_layer(media_type: &str) -> bool {
    matches!(
        media_type,
        "application/vnd.oci.image.layer.v1.tar"
            | "application/vnd.oci.image.layer.v1.tar+gzip"
            | "application/vnd.oci.image.layer.v1.tar+zstd"
            | "application/vnd.oci.image.layer.nondistributable.v1.tar"
            | "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
            | "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd"
            | "application/vnd.docker.image.rootfs.diff.tar"
            | "application/vnd.docker.image.rootfs.diff.tar.gzip"
            | "application/vnd.docker.image.rootfs.diff.tar.zstd"
            | "application/vnd.docker.container.image.rootfs.diff+x-gtar"
    )
}

fn blob(descriptor: &Descriptor) -> Result<BlobRef, DocumentError> {
    let digest = Digest::parse(&descriptor.digest)
        .ok_or_else(|| DocumentError::Digest(descriptor.digest.chars().take(100).collect()))?;
    Ok(BlobRef {
        digest,
        size: descriptor.size,
    })
}

/// A configuration's meaning, and the diff-ids of its `layers` layers.
///
/// # Errors
/// [`DocumentError`].
pub fn config(
    bytes: &[u8],
    layers: usize,
    listed: Option<&Platform>,
) -> Result<(ImageConfig, Vec<Digest>), DocumentError> {
    let doc: Config = serde_json::from_slice(bytes).map_err(DocumentError::Json)?;
    let ids = &doc.rootfs.diff_ids;
    if ids.len() != layers {
        return Err(DocumentError::LayerCount {
            layers,
            diff_ids: ids.len(),
        });
    }
    let mut diff_ids = Vec::new();
    for id in ids {
        let short = || DocumentError::Digest(id.chars().take(100).collect());
        diff_ids.push(Digest::parse(id).ok_or_else(short)?);
    }
    let described = listed.map(|p| json::PlatformJson {
        architecture: p.architecture.clone(),
        os: p.os.clone(),
        variant: p.variant.clone(),
    });
    Ok((ImageConfig::from_json(&doc, described.as_ref()), diff_ids))
}

/// The chain-ids of layers, the lowest first, as the image specification has
/// them: a layer with all that is below it.
#[must_use]
pub fn chain_ids(diff_ids: &[Digest]) -> Vec<Digest> {
    let mut chain: Vec<Digest> = Vec::new();
    for id in diff_ids {
        let next = match chain.last() {
            None => id.clone(),
            Some(below) => Digest::of(format!("{below} {id}").as_bytes()),
        };
        chain.push(next);
    }
    chain
}

/// A manifest for layers that have none, as those of a docker-archive; they are
/// named by what they are unpacked.
#[must_use]
pub fn manifest_of(config: &BlobRef, layers: &[BlobRef]) -> Vec<u8> {
    let descriptor = |media_type: &str, blob: &BlobRef| Descriptor {
        media_type: media_type.to_owned(),
        digest: blob.digest.to_string(),
        size: blob.size,
        ..Descriptor::default()
    };
    let manifest = Manifest {
        schema_version: 2,
        media_type: json::MEDIA_MANIFEST.to_owned(),
        config: descriptor(json::MEDIA_CONFIG, config),
        layers: layers
            .iter()
            .map(|l| descriptor(json::MEDIA_LAYER, l))
            .collect(),
    };
    serde_json::to_vec(&manifest).unwrap_or_default()
}

/// A configuration that has a platform and one layer, for a bare root.
#[must_use]
pub fn bare_config(platform: &Platform, diff_id: &Digest) -> Vec<u8> {
    let config = Config {
        architecture: platform.architecture.clone(),
        os: platform.os.clone(),
        variant: platform.variant.clone(),
        rootfs: RootFs {
            kind: "layers".to_owned(),
            diff_ids: vec![diff_id.to_string()],
        },
        ..Config::default()
    };
    serde_json::to_vec(&config).unwrap_or_default()
}
