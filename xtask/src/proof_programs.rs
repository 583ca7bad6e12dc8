//! Assembles `crates/proof/programs/*.S` into the programs of `programs/bin`.
//!
//! The assembler gives flat code; the ELF header and its one segment are written
//! here, from the table of architectures, so no linker takes part and a program
//! is header, program header and code, nothing else. The results are checked in:
//! a build needs none of this.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use armistice_arch::{ARCHES, Arch, Class, Data};

/// Where the segment lies in memory: above every kernel's `mmap_min_addr`, in
/// everybody's user space, a multiple of the largest page (64 KiB).
const BASE: u32 = 0x40_0000;
const PAGE: u32 = 0x1_0000;

/// An assembler and the Debian package that has it.
#[derive(Clone, Copy)]
enum Tool {
    /// GNU `as` and `objcopy` for this target.
    Gnu {
        target: &'static str,
        package: &'static str,
    },
    /// `llvm-mc` for this architecture.
    Llvm { arch: &'static str },
}

/// LLVM's version: the newest that Debian 12 and 13 both have; 14 lacks loongarch64.
const LLVM: &str = "19";

impl Tool {
    fn assembler(self) -> String {
        match self {
            Tool::Gnu { target, .. } => format!("{target}-as"),
            Tool::Llvm { .. } => format!("llvm-mc-{LLVM}"),
        }
    }

    fn objcopy(self) -> String {
        match self {
            Tool::Gnu { target, .. } => format!("{target}-objcopy"),
            Tool::Llvm { .. } => format!("llvm-objcopy-{LLVM}"),
        }
    }

    fn package(self) -> String {
        match self {
            Tool::Gnu { package, .. } => package.to_owned(),
            Tool::Llvm { .. } => format!("llvm-{LLVM}"),
        }
    }
}

const fn gnu(target: &'static str, package: &'static str) -> Tool {
    Tool::Gnu { target, package }
}

const HOST: Tool = gnu("x86_64-linux-gnu", "binutils-x86-64-linux-gnu");
const AARCH64: Tool = gnu("aarch64-linux-gnu", "binutils-aarch64-linux-gnu");
const ARM: Tool = gnu("arm-linux-gnueabi", "binutils-arm-linux-gnueabi");
const MIPS: Tool = gnu("mips64-linux-gnuabi64", "binutils-mips64-linux-gnuabi64");
const PPC: Tool = gnu("powerpc64-linux-gnu", "binutils-powerpc64-linux-gnu");
const RISCV: Tool = gnu("riscv64-linux-gnu", "binutils-riscv64-linux-gnu");
const SPARC: Tool = gnu("sparc64-linux-gnu", "binutils-sparc64-linux-gnu");
const SH4: Tool = gnu("sh4-linux-gnu", "binutils-sh4-linux-gnu");

/// How one architecture's program is made.
struct Recipe {
    /// `programs/<source>.S`.
    source: &'static str,
    tool: Tool,
    args: &'static [&'static str],
    /// `e_flags`, as a toolchain for the ABI writes it.
    flags: u32,
}

const fn recipe(
    source: &'static str,
    tool: Tool,
    args: &'static [&'static str],
    flags: u32,
) -> Recipe {
    Recipe {
        source,
        tool,
        args,
        flags,
    }
}

/// `e_flags` values are those of each processor's ELF supplement (`elf.h` has
/// the names given here).
fn recipe_of(arch: &Arch) -> Result<Recipe> {
    Ok(match arch.name {
        "aarch64" => recipe("aarch64", AARCH64, &["-EL"], 0),
        "aarch64_be" => recipe("aarch64", AARCH64, &["-EB"], 0),
        // EF_ARM_EABI_VER5; armeb also EF_ARM_BE8: data big, instructions little.
        "arm" => recipe("arm", ARM, &["-EL"], 0x0500_0000),
        "armeb" => recipe("arm", ARM, &["-EL"], 0x0580_0000),
        "x86_64" => recipe("x86_64", HOST, &["--64"], 0),
        "i386" | "i486" => recipe("i386", HOST, &["--32"], 0),
        "riscv64" => recipe("riscv", RISCV, &["-march=rv64i", "--defsym", "BITS=64"], 0),
        "riscv32" => recipe(
            "riscv",
            RISCV,
            &["-march=rv32i", "-mabi=ilp32", "--defsym", "BITS=32"],
            0,
        ),
        // EF_LOONGARCH_OBJABI_V1 | EF_LOONGARCH_ABI_DOUBLE_FLOAT
        "loongarch64" => recipe(
            "loongarch64",
            Tool::Llvm {
                arch: "loongarch64",
            },
            &["-mattr=+d"],
            0x43,
        ),
        "s390x" => recipe(
            "s390x",
            gnu("s390x-linux-gnu", "binutils-s390x-linux-gnu"),
            &["-m64"],
            0,
        ),
        // 2: ELFv2
        "ppc64le" => recipe("ppc", PPC, &["-a64", "-mlittle", "--defsym", "BITS=64"], 2),
        "ppc64" => recipe("ppc", PPC, &["-a64", "-mbig", "--defsym", "BITS=64"], 2),
        "ppc" => recipe("ppc", PPC, &["-a32", "-mbig", "--defsym", "BITS=32"], 0),
        // EF_MIPS_ARCH_3 | EF_MIPS_CPIC
        "mips64el" => recipe("mips", MIPS, &MIPS_64_EL, 0x2000_0004),
        "mips64" => recipe("mips", MIPS, &MIPS_64_EB, 0x2000_0004),
        // EF_MIPS_ARCH_3 | EF_MIPS_ABI2 | EF_MIPS_CPIC
        "mipsn32el" => recipe("mips", MIPS, &MIPS_N32_EL, 0x2000_0024),
        "mipsn32" => recipe("mips", MIPS, &MIPS_N32_EB, 0x2000_0024),
        // EF_MIPS_ARCH_1 | E_MIPS_ABI_O32 | EF_MIPS_CPIC
        "mipsel" => recipe("mips", MIPS, &MIPS_O32_EL, 0x1004),
        "mips" => recipe("mips", MIPS, &MIPS_O32_EB, 0x1004),
        "sparc" => recipe("sparc", SPARC, &["-32", "-Av8", "--defsym", "BITS=32"], 0),
        // EF_SPARC_32PLUS
        "sparc32plus" => recipe(
            "sparc",
            SPARC,
            &["-32", "-Av8plus", "--defsym", "BITS=32"],
            0x100,
        ),
        // EF_SPARCV9_RMO
        "sparc64" => recipe("sparc", SPARC, &["-64", "-Av9", "--defsym", "BITS=64"], 2),
        "m68k" => recipe(
            "m68k",
            gnu("m68k-linux-gnu", "binutils-m68k-linux-gnu"),
            &["-m68020"],
            0,
        ),
        "alpha" => recipe(
            "alpha",
            gnu("alpha-linux-gnu", "binutils-alpha-linux-gnu"),
            &["-mev4"],
            0,
        ),
        // EFA_PARISC_1_1
        "hppa" => recipe(
            "hppa",
            gnu("hppa-linux-gnu", "binutils-hppa-linux-gnu"),
            &[],
            0x210,
        ),
        "or1k" => recipe("or1k", gnu("or1k-elf", "binutils-or1k-elf"), &[], 0),
        // EF_XTENSA_XT_INSN | EF_XTENSA_XT_LIT
        "xtensa" => recipe("xtensa", HOST, &["--defsym", "BIG=0"], 0x300),
        "xtensaeb" => recipe("xtensa", HOST, &["--defsym", "BIG=1"], 0x300),
        // EF_SH4
        "sh4" => recipe("sh4", SH4, &["-little"], 9),
        "sh4eb" => recipe("sh4", SH4, &["-big"], 9),
        // EF_HEXAGON_MACH_V60
        "hexagon" => recipe(
            "hexagon",
            Tool::Llvm { arch: "hexagon" },
            &["-mcpu=hexagonv60"],
            0x60,
        ),
        "microblaze" => recipe("microblaze", HOST, &["--defsym", "BIG=1"], 0),
        "microblazeel" => recipe("microblaze", HOST, &["--defsym", "BIG=0"], 0),
        other => bail!("no recipe for {other}: add its source and its row here"),
    })
}

const MIPS_64_EL: [&str; 5] = ["-EL", "-mabi=64", "-mips3", "--defsym", "CALLS=5000"];
const MIPS_64_EB: [&str; 5] = ["-EB", "-mabi=64", "-mips3", "--defsym", "CALLS=5000"];
const MIPS_N32_EL: [&str; 5] = ["-EL", "-mabi=n32", "-mips3", "--defsym", "CALLS=6000"];
const MIPS_N32_EB: [&str; 5] = ["-EB", "-mabi=n32", "-mips3", "--defsym", "CALLS=6000"];
const MIPS_O32_EL: [&str; 5] = ["-EL", "-mabi=32", "-mips1", "--defsym", "CALLS=4000"];
const MIPS_O32_EB: [&str; 5] = ["-EB", "-mabi=32", "-mips1", "--defsym", "CALLS=4000"];

/// What to do with the assembled bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Write them to `programs/bin`.
    Write,
    /// Fail where they are not what is checked in.
    Check,
}

/// Assembles every program.
pub(crate) fn proof_programs(mode: Mode) -> Result<()> {
    let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/proof/programs");
    let recipes = ARCHES
        .iter()
        .map(|arch| Ok((arch, recipe_of(arch)?)))
        .collect::<Result<Vec<_>>>()?;
    install_missing(recipes.iter().map(|(_, recipe)| recipe.tool))?;
    let scratch = Scratch::new()?;
    let mut differing = Vec::new();
    for (arch, recipe) in &recipes {
        let code = assemble(recipe, &programs, &scratch.0)
            .with_context(|| format!("can't assemble the program of {}", arch.name))?;
        let program = elf(arch, recipe.flags, &code)?;
        let path = programs.join("bin").join(arch.name);
        match mode {
            Mode::Write => fs::write(&path, &program)
                .with_context(|| format!("can't write {}", path.display()))?,
            Mode::Check => {
                let there =
                    fs::read(&path).with_context(|| format!("can't read {}", path.display()))?;
                if there != program {
                    differing.push(arch.name);
                }
            }
        }
    }
    ensure!(
        differing.is_empty(),
        "the checked-in programs differ from their sources: {}; run `cargo xtask proof-programs`",
        differing.join(", ")
    );
    println!("{} programs", recipes.len());
    Ok(())
}

/// A folder that goes away with its owner.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Scratch> {
        let path = std::env::temp_dir().join(format!("proof-programs-{}", std::process::id()));
        fs::create_dir(&path).with_context(|| format!("can't create {}", path.display()))?;
        Ok(Scratch(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Only a temporary folder: nothing depends on its removal.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Installs the packages of the tools that are not there.
fn install_missing(tools: impl Iterator<Item = Tool>) -> Result<()> {
    let mut packages: Vec<String> = tools
        .filter(|tool| !on_path(&tool.assembler()) || !on_path(&tool.objcopy()))
        .map(Tool::package)
        .collect();
    packages.sort_unstable();
    packages.dedup();
    if packages.is_empty() {
        return Ok(());
    }
    eprintln!("installing {}", packages.join(" "));
    run(Command::new("apt-get").arg("update").arg("-qq"))?;
    run(Command::new("apt-get")
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args(["install", "-y", "-qq", "--no-install-recommends"])
        .args(packages))
}

fn on_path(tool: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(tool).is_file()))
}

fn run(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command
        .status()
        .with_context(|| format!("can't run {program}"))?;
    ensure!(status.success(), "{program} failed ({status})");
    Ok(())
}

/// The code of a source, as flat bytes that run from their first.
fn assemble(recipe: &Recipe, programs: &Path, scratch: &Path) -> Result<Vec<u8>> {
    let source = programs.join(format!("{}.S", recipe.source));
    let object = scratch.join("program.o");
    let flat = scratch.join("program.bin");
    let mut assembler = Command::new(recipe.tool.assembler());
    if let Tool::Llvm { arch } = recipe.tool {
        assembler.args(["-filetype=obj", "-arch", arch]);
    }
    assembler
        .args(recipe.args)
        .arg("-o")
        .arg(&object)
        .arg(&source);
    run(&mut assembler)?;
    run(Command::new(recipe.tool.objcopy())
        .args(["-O", "binary", "-j", ".text"])
        .arg(&object)
        .arg(&flat))?;
    let code = fs::read(&flat)?;
    ensure!(!code.is_empty(), "{} gave no code", source.display());
    Ok(code)
}

/// Numbers in a program's byte order.
struct Writer {
    bytes: Vec<u8>,
    data: Data,
    class: Class,
}

impl Writer {
    fn half(&mut self, v: u16) {
        self.bytes.extend(match self.data {
            Data::Little => v.to_le_bytes(),
            Data::Big => v.to_be_bytes(),
        });
    }

    fn word(&mut self, v: u32) {
        self.bytes.extend(match self.data {
            Data::Little => v.to_le_bytes(),
            Data::Big => v.to_be_bytes(),
        });
    }

    /// An address, offset or size: as wide as the class.
    fn address(&mut self, v: u32) {
        match (self.class, self.data) {
            (Class::Elf32, _) => self.word(v),
            (Class::Elf64, Data::Little) => self.bytes.extend(u64::from(v).to_le_bytes()),
            (Class::Elf64, Data::Big) => self.bytes.extend(u64::from(v).to_be_bytes()),
        }
    }
}

/// ELF header, one PT_LOAD over the whole file (readable, executable), code.
fn elf(arch: &Arch, flags: u32, code: &[u8]) -> Result<Vec<u8>> {
    let (header, segment): (u16, u16) = match arch.class {
        Class::Elf32 => (52, 32),
        Class::Elf64 => (64, 56),
    };
    let start = u32::from(header + segment);
    let size = start + u32::try_from(code.len())?;
    // PF_R | PF_X
    let rights = 5;
    let mut w = Writer {
        // The identification, type and machine of the architecture's programs.
        bytes: arch.sample_header(2, 0)[..20].to_vec(),
        data: arch.data,
        class: arch.class,
    };
    w.word(1); // e_version
    w.address(BASE + start); // e_entry
    w.address(u32::from(header)); // e_phoff
    w.address(0); // e_shoff
    w.word(flags);
    w.half(header);
    w.half(segment);
    w.half(1); // e_phnum
    w.half(0); // e_shentsize
    w.half(0); // e_shnum
    w.half(0); // e_shstrndx
    w.word(1); // PT_LOAD
    if arch.class == Class::Elf64 {
        w.word(rights);
    }
    w.address(0); // p_offset
    w.address(BASE); // p_vaddr
    w.address(BASE); // p_paddr
    w.address(size); // p_filesz
    w.address(size); // p_memsz
    if arch.class == Class::Elf32 {
        w.word(rights);
    }
    w.address(PAGE); // p_align
    ensure!(w.bytes.len() == start as usize, "header of the wrong size");
    w.bytes.extend(code);
    Ok(w.bytes)
}
