//! Programs that say which of them was started, and with which arguments: an
//! identity and all of argv, each ended by a zero byte. Written here byte by
//! byte, so that no compiler is needed, each is small, and nothing has to be
//! in the root that it runs in.

/// What ends each program: everything behind the last of these is its identity.
const MARK: &[u8] = b"probe:";

/// x86-64: writes `identity`, then each argument, and exits.
fn code64(identity: &[u8]) -> Vec<u8> {
    let mut code = vec![0x48, 0x89, 0xe3]; // mov rbx, rsp
    code.extend([0x48, 0x8d, 0x35, 67, 0, 0, 0]); // lea rsi, [rip + 67]: the identity
    code.push(0xba); // mov edx, its length
    code.extend(length(identity));
    code.extend([0xbf, 1, 0, 0, 0, 0xb8, 1, 0, 0, 0, 0x0f, 0x05]); // write(1, ..)
    code.extend([0x48, 0x83, 0xc3, 8]); // add rbx, 8: behind argc
    code.extend([0x48, 0x8b, 0x33, 0x48, 0x85, 0xf6, 0x74, 29]); // rsi = [rbx]; none: exit
    code.extend([0x48, 0x83, 0xc3, 8, 0x31, 0xd2]); // add rbx, 8; edx = 0
    code.extend([0x80, 0x3c, 0x16, 0, 0x8d, 0x52, 1, 0x75, 0xf7]); // edx = length with the zero
    code.extend([0xbf, 1, 0, 0, 0, 0xb8, 1, 0, 0, 0, 0x0f, 0x05]); // write(1, rsi, edx)
    code.extend([0xeb, 0xdb]); // and the next
    code.extend([0x31, 0xff, 0xb8, 60, 0, 0, 0, 0x0f, 0x05]); // exit(0)
    code.extend(identity);
    code
}

/// i386: the same.
fn code32(identity: &[u8]) -> Vec<u8> {
    let mut code = vec![0x89, 0xe6]; // mov esi, esp
    code.extend([0xe8, 0, 0, 0, 0, 0x59, 0x81, 0xc1, 70, 0, 0, 0]); // ecx: the identity
    code.push(0xba); // mov edx, its length
    code.extend(length(identity));
    code.extend([0xbb, 1, 0, 0, 0, 0xb8, 4, 0, 0, 0, 0xcd, 0x80]); // write(1, ..)
    code.extend([0x83, 0xc6, 4]); // add esi, 4: behind argc
    code.extend([0x8b, 0x0e, 0x85, 0xc9, 0x74, 28]); // ecx = [esi]; none: exit
    code.extend([0x83, 0xc6, 4, 0x31, 0xd2]); // add esi, 4; edx = 0
    code.extend([0x80, 0x3c, 0x11, 0, 0x8d, 0x52, 1, 0x75, 0xf7]); // edx = length with the zero
    code.extend([0xbb, 1, 0, 0, 0, 0xb8, 4, 0, 0, 0, 0xcd, 0x80]); // write(1, ecx, edx)
    code.extend([0xeb, 0xde]); // and the next
    code.extend([0x31, 0xdb, 0xb8, 1, 0, 0, 0, 0xcd, 0x80]); // exit(0)
    code.extend(identity);
    code
}

fn length(identity: &[u8]) -> [u8; 4] {
    u32::try_from(identity.len()).expect("short").to_le_bytes()
}

/// What a program prints of itself: `name`, ended by a zero byte.
fn identity(name: &str) -> Vec<u8> {
    [MARK, name.as_bytes(), b"\0"].concat()
}

/// The identity of a program made here.
pub(crate) fn identity_of(program: &[u8]) -> Option<Vec<u8>> {
    let at = program.windows(MARK.len()).rposition(|w| w == MARK)?;
    Some(program[at..program.len() - 1].to_vec())
}

/// What a program wrote: its identity, and its arguments.
pub(crate) fn read(output: &[u8]) -> Vec<Vec<u8>> {
    let text = output.strip_suffix(b"\0").unwrap_or(output);
    text.split(|b| *b == 0).map(<[u8]>::to_vec).collect()
}

/// A position-independent program; with a loader where one is named.
pub(crate) fn elf(wide: bool, name: &str, loader: Option<&[u8]>) -> Vec<u8> {
    let identity = identity(name);
    let code = if wide {
        code64(&identity)
    } else {
        code32(&identity)
    };
    let (header, segment) = if wide { (64, 56) } else { (52, 32) };
    let count = 1 + usize::from(loader.is_some());
    let path: Vec<u8> = loader.map_or_else(Vec::new, |path| [path, b"\0"].concat());
    let path_at = header + count * segment;
    let code_at = (path_at + path.len()).next_multiple_of(16);
    let len = code_at + code.len();
    let mut out = Out {
        bytes: Vec::new(),
        wide,
    };
    out.bytes.extend(b"\x7fELF");
    out.bytes.extend([if wide { 2 } else { 1 }, 1, 1]);
    out.bytes.resize(16, 0);
    out.half(3).half(if wide { 62 } else { 3 }).word(1); // ET_DYN, the machine
    out.long(code_at).long(header).long(0).word(0); // entry, e_phoff, e_shoff, e_flags
    out.half(header)
        .half(segment)
        .half(count)
        .half(0)
        .half(0)
        .half(0);
    if loader.is_some() {
        out.segment(3, path_at, path.len());
    }
    out.segment(1, 0, len);
    out.bytes.extend(path);
    out.bytes.resize(code_at, 0);
    out.bytes.extend(code);
    out.bytes
}

/// Fields of an ELF file, little-endian.
struct Out {
    bytes: Vec<u8>,
    wide: bool,
}

impl Out {
    fn half(&mut self, value: usize) -> &mut Self {
        self.bytes.extend(&value.to_le_bytes()[..2]);
        self
    }

    fn word(&mut self, value: usize) -> &mut Self {
        self.bytes.extend(&value.to_le_bytes()[..4]);
        self
    }

    fn long(&mut self, value: usize) -> &mut Self {
        let width = if self.wide { 8 } else { 4 };
        self.bytes.extend(&value.to_le_bytes()[..width]);
        self
    }

    /// A readable and executable segment.
    fn segment(&mut self, kind: usize, at: usize, len: usize) {
        self.word(kind);
        if self.wide {
            self.word(5);
        }
        self.long(at).long(at).long(at).long(len).long(len);
        if !self.wide {
            self.word(5);
        }
        self.long(4096);
    }
}
