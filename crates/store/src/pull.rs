//! How an image comes: documents, then layers, several at a time, each unpacked as soon as
//! those below it are. The name is written last, so that it never leads to an incomplete
//! image.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;

use armistice_arch::Platform;
use armistice_oci::document::{self, BlobRef, Document, DocumentError, ImageManifest, Listed};
use armistice_oci::{Digest, ImageConfig};

use crate::fetch::{Come, Fetch, verified};
use crate::layer::Record;
use crate::{Error, Event, Source, Store, choose, files};

/// How many layers come at a time.
const AT_A_TIME: usize = 4;

/// How many indexes are read for one image: real ones nest two deep at most.
const INDEXES_MAX: usize = 16;

/// Which platform is asked for.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// This one, or a lower variant of it, or an error.
    pub exactly: Option<Platform>,
    /// Where none was named and the image has several: this one.
    pub otherwise: Platform,
}

/// What of an image could not be unpacked as it is.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Devices.
    pub devices: u64,
    /// A few of them by name.
    pub device_names: Vec<String>,
    /// Extended attributes.
    pub xattrs: u64,
}

/// An image that came.
#[derive(Debug)]
pub struct Pulled {
    /// Its manifest.
    pub manifest: Digest,
    /// What it is made for.
    pub platform: Platform,
    /// How a container of it is run.
    pub config: ImageConfig,
    /// Layers that came now, of all.
    pub new_layers: usize,
    /// All layers.
    pub layers: usize,
    /// Bytes of its layers on disk.
    pub disk: u64,
    /// What was left out of it.
    pub left_out: LeftOut,
}

type Events<'a> = &'a (dyn Fn(Event<'_>) + Sync);

/// The documents of the image that was chosen.
struct Chosen {
    top: Digest,
    digest: Digest,
    bytes: Vec<u8>,
    manifest: ImageManifest,
    config_bytes: Vec<u8>,
    config: ImageConfig,
    platform: Platform,
    diff_ids: Vec<Digest>,
}

impl Store {
    /// Brings an image into the store under `names`, or finds that it is there.
    ///
    /// # Errors
    /// [`Error`]. What came whole is kept, and the next pull goes on from there.
    pub fn pull(
        &self,
        source: &dyn Source,
        names: &[String],
        wanted: &Wanted,
        events: Events<'_>,
    ) -> Result<Pulled, Error> {
        let _adding = self.shared()?;
        let name = names.first().map_or("the image", String::as_str);
        let chosen = choose_image(source, name, wanted)?;
        let chain = document::chain_ids(&chosen.diff_ids);
        let there = (0..chain.len())
            .take_while(|i| {
                chain
                    .get(*i)
                    .is_some_and(|c| self.layer_record(c).is_some())
            })
            .count();
        events(Event::Image {
            layers: chain.len(),
            there,
        });
        let new_layers = if source.is_near() {
            self.unpack_near(source, &chosen, &chain, there, events)?
        } else {
            self.fetch_and_unpack(source, &chosen, &chain, there, events)?
        };
        self.flush_layers(&chain)?;
        for (digest, bytes) in [
            (&chosen.manifest.config.digest, &chosen.config_bytes),
            (&chosen.digest, &chosen.bytes),
        ] {
            let path = self.blob(digest);
            if !std::fs::read(&path).is_ok_and(|there| there == *bytes) {
                files::write_whole(&path, bytes)?;
            }
        }
        for name in names {
            self.write_ref(name, &chosen.platform, &chosen.digest, &chosen.top)?;
        }
        let records: Vec<Record> = chain.iter().filter_map(|c| self.layer_record(c)).collect();
        Ok(Pulled {
            manifest: chosen.digest,
            platform: chosen.platform,
            config: chosen.config,
            new_layers,
            layers: chain.len(),
            disk: records.iter().map(|r| r.disk).sum(),
            left_out: left_out(&records),
        })
    }

    /// From bytes that are on this machine: one layer after the other.
    fn unpack_near(
        &self,
        source: &dyn Source,
        chosen: &Chosen,
        chain: &[Digest],
        there: usize,
        events: Events<'_>,
    ) -> Result<usize, Error> {
        let mut new = 0;
        for number in there..chain.len() {
            let layer = layer_of(chosen, number);
            let open = || {
                let (start, bytes) =
                    source
                        .layer(number, &layer.digest, 0)
                        .map_err(|source| Error::Source {
                            what: format!("layer {}", layer.digest),
                            source,
                        })?;
                debug_assert_eq!(start, 0);
                Ok((bytes, layer.size))
            };
            new += usize::from(self.make(chosen, chain, number, open, events)?);
        }
        Ok(new)
    }

    fn make(
        &self,
        chosen: &Chosen,
        chain: &[Digest],
        number: usize,
        open: impl FnOnce() -> Result<(Box<dyn Read + Send>, u64), Error>,
        events: Events<'_>,
    ) -> Result<bool, Error> {
        let layer = layer_of(chosen, number);
        let own = chain.get(..=number).unwrap_or_default();
        let diff_id = chosen.diff_ids.get(number).unwrap_or(&layer.digest);
        let (record, new) = self.make_layer(&layer.digest.to_string(), own, diff_id, open)?;
        events(Event::Unpacked {
            digest: &layer.digest,
            disk: record.disk,
        });
        Ok(new)
    }

    /// From far: some threads fetch, this one unpacks in order.
    fn fetch_and_unpack(
        &self,
        source: &dyn Source,
        chosen: &Chosen,
        chain: &[Digest],
        there: usize,
        events: Events<'_>,
    ) -> Result<usize, Error> {
        // A layer that occurs twice comes once.
        let mut seen = BTreeSet::new();
        let wanted: Vec<usize> = (there..chain.len())
            .filter(|n| seen.insert(layer_of(chosen, *n).digest.clone()))
            .collect();
        let stop = AtomicBool::new(false);
        let next = AtomicUsize::new(0);
        let (sender, receiver) = mpsc::channel();
        std::thread::scope(|scope| {
            for _ in 0..AT_A_TIME.min(wanted.len()) {
                let (sender, wanted, stop, next) = (sender.clone(), &wanted, &stop, &next);
                scope.spawn(move || {
                    while let Some(number) = wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let blob = layer_of(chosen, *number);
                        let is_made = || self.is_made(chosen, chain, &blob.digest);
                        let fetch = Fetch {
                            store: self,
                            source,
                            number: *number,
                            blob,
                            events,
                            stop,
                            is_made: &is_made,
                        };
                        let result = fetch.run();
                        let go_on = !matches!(result, Ok(Come::Stopped) | Err(_));
                        if sender.send((blob.digest.clone(), result)).is_err() || !go_on {
                            return;
                        }
                    }
                });
            }
            drop(sender);
            let result = self.unpack_as_they_come(chosen, chain, there, &receiver, events);
            stop.store(true, Ordering::Relaxed);
            result
        })
    }

    /// Whether all layers with these bytes are unpacked by now.
    fn is_made(&self, chosen: &Chosen, chain: &[Digest], digest: &Digest) -> bool {
        let layers = chosen.manifest.layers.iter().zip(chain);
        let mut same = layers.filter(|(layer, _)| layer.digest == *digest);
        same.all(|(_, chain)| self.layer_record(chain).is_some())
    }

    fn unpack_as_they_come(
        &self,
        chosen: &Chosen,
        chain: &[Digest],
        there: usize,
        receiver: &mpsc::Receiver<(Digest, Result<Come, Error>)>,
        events: Events<'_>,
    ) -> Result<usize, Error> {
        let mut come: BTreeMap<Digest, Option<File>> = BTreeMap::new();
        let mut new = 0;
        for number in there..chain.len() {
            let layer = layer_of(chosen, number);
            while !come.contains_key(&layer.digest) {
                match receiver.recv() {
                    Ok((digest, Ok(Come::File(file)))) => {
                        come.insert(digest, Some(file));
                    }
                    Ok((digest, Ok(Come::Made))) => {
                        come.insert(digest, None);
                    }
                    Ok((_, Err(e))) => return Err(e),
                    Ok((_, Ok(Come::Stopped))) | Err(_) => {
                        return Err(Error::Source {
                            what: format!("layer {}", layer.digest),
                            source: "nobody fetches it any more".into(),
                        });
                    }
                }
            }
            let open = || {
                let failed = files::failed("read", self.root());
                let mut file = come
                    .get(&layer.digest)
                    .and_then(Option::as_ref)
                    .ok_or(std::io::ErrorKind::NotFound.into())
                    .and_then(File::try_clone)
                    .map_err(failed)?;
                std::io::Seek::rewind(&mut file).map_err(files::failed("read", self.root()))?;
                Ok((Box::new(file) as Box<dyn Read + Send>, layer.size))
            };
            new += usize::from(self.make(chosen, chain, number, open, events)?);
            let again = (number + 1..chain.len())
                .any(|later| layer_of(chosen, later).digest == layer.digest);
            if !again {
                come.remove(&layer.digest);
                files::remove(&self.partial(&layer.digest))?;
            }
        }
        Ok(new)
    }
}

/// A layer of the manifest; it has as many as the chain.
fn layer_of(chosen: &Chosen, number: usize) -> &BlobRef {
    chosen
        .manifest
        .layers
        .get(number)
        .unwrap_or(&chosen.manifest.config)
}

fn left_out(records: &[Record]) -> LeftOut {
    let unpacked = || records.iter().map(|r| &r.unpacked);
    LeftOut {
        devices: unpacked().map(|u| u.devices).sum(),
        device_names: unpacked()
            .flat_map(|u| u.device_names.iter().cloned())
            .take(4)
            .collect(),
        xattrs: unpacked().map(|u| u.xattrs_left_out).sum(),
    }
}

/// From what the name leads to, to one image for the platform.
fn choose_image(source: &dyn Source, name: &str, wanted: &Wanted) -> Result<Chosen, Error> {
    let got = |what: &str| {
        let what = what.to_owned();
        move |source| Error::Source { what, source }
    };
    let unusable = |what: String| move |source: DocumentError| Error::Document { what, source };
    let top = source.top().map_err(got(name))?;
    let top_digest = Digest::of(&top.bytes);
    let parsed = Document::parse(&top.bytes, &top.media_type)
        .map_err(unusable(format!("the manifest of {name}")))?;
    let (digest, bytes, manifest, listed) = match parsed {
        Document::Image(manifest) => (top_digest.clone(), top.bytes, manifest, None),
        Document::Index(listed) => {
            let one = choose_listed(name, without_indexes(source, listed)?, wanted)?;
            let (bytes, document) = listed_document(source, &one)?;
            match document {
                Document::Image(manifest) => (one.manifest.digest, bytes, manifest, one.platform),
                Document::Index(_) => {
                    let source =
                        DocumentError::MediaType("an index's, not a manifest's".to_owned());
                    return Err(unusable(format!("manifest {}", one.manifest.digest))(
                        source,
                    ));
                }
            }
        }
    };
    let what = format!("configuration {}", manifest.config.digest);
    if manifest.config.size > document::SIZE_MAX {
        return Err(Error::WrongSize {
            what,
            size: document::SIZE_MAX,
            found: manifest.config.size,
        });
    }
    let config_bytes = source.config(&manifest.config.digest).map_err(got(&what))?;
    let config_bytes = verified("configuration", &manifest.config, config_bytes)?;
    let (config, diff_ids) =
        document::config(&config_bytes, manifest.layers.len(), listed.as_ref())
            .map_err(unusable(what))?;
    let platform = platform_of(name, &config, listed, wanted)?;
    Ok(Chosen {
        top: top_digest,
        digest,
        bytes,
        manifest,
        config_bytes,
        config,
        platform,
        diff_ids,
    })
}

/// A document that an index lists.
fn listed_document(source: &dyn Source, one: &Listed) -> Result<(Vec<u8>, Document), Error> {
    let what = format!("manifest {}", one.manifest.digest);
    let got = source.manifest(&one.manifest.digest);
    let bytes = got.map_err(|source| Error::Source {
        what: what.clone(),
        source,
    })?;
    let bytes = verified("manifest", &one.manifest, bytes)?;
    match Document::parse(&bytes, "") {
        Ok(document) => Ok((bytes, document)),
        Err(source) => Err(Error::Document { what, source }),
    }
}

/// The images of a list, with those of the indexes that it lists. What an inner list
/// does not tell of a platform, the outer one may.
fn without_indexes(source: &dyn Source, listed: Vec<Listed>) -> Result<Vec<Listed>, Error> {
    let mut images = Vec::new();
    let mut left: Vec<Listed> = listed.into_iter().rev().collect();
    let mut indexes = 0;
    while let Some(one) = left.pop() {
        if !one.is_index {
            images.push(one);
            continue;
        }
        indexes += 1;
        let document = match indexes > INDEXES_MAX {
            true => None,
            false => Some(listed_document(source, &one)?.1),
        };
        let Some(Document::Index(inner)) = document else {
            return Err(Error::Document {
                what: format!("index {}", one.manifest.digest),
                source: match document {
                    None => DocumentError::TooManyIndexes(INDEXES_MAX),
                    Some(_) => DocumentError::MediaType("a manifest's, not an index's".to_owned()),
                },
            });
        };
        left.extend(inner.into_iter().rev().map(|image| Listed {
            platform: image.platform.or_else(|| one.platform.clone()),
            ..image
        }));
    }
    Ok(images)
}

/// One of several. What tells no platform can only be the only one.
fn choose_listed(name: &str, listed: Vec<Listed>, wanted: &Wanted) -> Result<Listed, Error> {
    let unknown = || Platform::new("unknown", "unknown", "");
    let platforms: Vec<Platform> = listed
        .iter()
        .map(|l| l.platform.clone().unwrap_or_else(unknown))
        .collect();
    let mut different: Vec<&Platform> = Vec::new();
    for platform in &platforms {
        if !different.contains(&platform) {
            different.push(platform);
        }
    }
    let asked = match (&wanted.exactly, &different[..]) {
        (Some(exactly), _) => exactly,
        (None, [only]) => only,
        (None, _) => &wanted.otherwise,
    };
    let index = choose(&platforms, asked).or_else(|| {
        // Its configuration will tell.
        (platforms.len() == 1 && platforms.first() == Some(&unknown())).then_some(0)
    });
    let none = || Error::NoSuchPlatform {
        name: name.to_owned(),
        wanted: asked.clone(),
        there: platforms.clone(),
    };
    let index = index.ok_or_else(none)?;
    listed.into_iter().nth(index).ok_or_else(none)
}

/// What an image is for, by index and configuration; never another than asked for.
fn platform_of(
    name: &str,
    config: &ImageConfig,
    listed: Option<Platform>,
    wanted: &Wanted,
) -> Result<Platform, Error> {
    let own = &config.platform;
    if let Some(listed) = listed
        && (own.os != listed.os || own.architecture != listed.architecture)
    {
        return Err(Error::PlatformLies {
            name: name.to_owned(),
            words: Box::new((listed, own.clone())),
        });
    }
    match &wanted.exactly {
        Some(exactly) if own.distance_from(exactly).is_none() => Err(Error::NoSuchPlatform {
            name: name.to_owned(),
            wanted: exactly.clone(),
            there: vec![own.clone()],
        }),
        _ => Ok(own.clone()),
    }
}
