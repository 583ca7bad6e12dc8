// What is the same for the rows of all tables; the rest is made of one.

use core::ops::Range;

/// A named run of bits in an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldInfo {
    /// The manual's name, or that which the table's head gives.
    pub name: &'static str,
    /// The lowest bit.
    pub lsb: u8,
    /// The number of bits.
    pub width: u8,
}

/// What the table says of an instruction.
#[derive(Clone, Copy, Debug)]
pub struct OpInfo {
    /// The row's name, as the variant of [`Op`] is spelt.
    pub name: &'static str,
    /// The mnemonic; a disassembler may add to it (2, A, L, B).
    pub mnemonic: &'static str,
    /// The manual's title, as far as the name tells.
    pub title: &'static str,
    /// The feature it belongs to.
    pub feature: Feature,
    /// The encoding group.
    pub class: Class,
    /// The fixed bits.
    pub mask: u32,
    /// Their values.
    pub value: u32,
    /// The ones among the bits that should be so, and that neither are fixed nor a
    /// field's.
    pub should: u32,
    /// Whether more than the fixed bits decides if a word is allocated; see
    /// [`allocated`].
    pub has_where: bool,
    /// The fields, highest first, without should-be bits.
    pub fields: Fields,
}

/// The fields of an instruction.
#[derive(Clone, Copy, Debug)]
pub struct Fields(Part);

impl Fields {
    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = FieldInfo> {
        self.into_iter()
    }

    /// Whether it has none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0.length == 0
    }
}

impl IntoIterator for Fields {
    type Item = FieldInfo;
    type IntoIter = core::iter::Map<core::slice::Iter<'static, u8>, fn(&u8) -> FieldInfo>;

    fn into_iter(self) -> Self::IntoIter {
        let field = |&place: &u8| {
            let Place { name, lsb, width } = PLACES[usize::from(place)];
            let name = name.text();
            FieldInfo { name, lsb, width }
        };
        FIELDS[self.0.range()].iter().map(field)
    }
}

/// A part of [`TEXTS`], or of [`FIELDS`].
///
/// The tables hold no pointers: those would have to be relocated whenever a
/// process starts, and each page of them is a page of memory then.
#[derive(Clone, Copy, Debug)]
struct Part {
    start: u16,
    length: u8,
}

impl Part {
    fn range(self) -> Range<usize> {
        usize::from(self.start)..usize::from(self.start) + usize::from(self.length)
    }

    fn text(self) -> &'static str {
        &TEXTS[self.range()]
    }
}

/// A field that instructions have; its bits are the same in all of them.
struct Place {
    name: Part,
    lsb: u8,
    width: u8,
}

/// [`OpInfo`] as it is kept, but for the class.
struct Row {
    name: Part,
    title: Part,
    mnemonic: Part,
    feature: Feature,
    should: u32,
    has_where: bool,
    fields: Part,
}

/// What the decoder compares, apart from [`OpInfo`] to stay small.
struct Match {
    mask: u32,
    value: u32,
    /// The words refused by the row's `where`, when they are a pattern.
    refused_mask: u32,
    refused_value: u32,
    /// Otherwise which constraint must hold; 0 is none.
    constraint: u32,
}

impl Op {
    /// How many there are.
    pub const COUNT: usize = Self::ALL.len();

    /// What the table says of it.
    #[must_use]
    pub fn info(self) -> OpInfo {
        let row = &ROWS[self as usize];
        let Match { mask, value, .. } = MATCH[self as usize];
        OpInfo {
            name: row.name.text(),
            mnemonic: row.mnemonic.text(),
            title: row.title.text(),
            feature: row.feature,
            class: self.class(),
            mask,
            value,
            should: row.should,
            has_where: row.has_where,
            fields: Fields(row.fields),
        }
    }

    /// The encoding group.
    #[must_use]
    #[inline]
    pub fn class(self) -> Class {
        CLASSES[self as usize]
    }

    /// The row's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        ROWS[self as usize].name.text()
    }
}

/// Whether the row matches the word and allocates it. A more specific row may
/// match it too, and is then what the decoder answers.
#[must_use]
#[inline]
pub fn allocated(op: Op, word: u32) -> bool {
    let m = &MATCH[op as usize];
    // One branch for both patterns.
    let matches = (word & m.mask == m.value) & (word & m.refused_mask != m.refused_value);
    matches && (m.constraint == 0 || constraint(m.constraint, word))
}

