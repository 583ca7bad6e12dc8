# packages: rustc cargo gcc libc6-dev
# Rust: programs compiled at several levels, threads, panics and what they print,
# a procedural macro loaded into the compiler, Cargo with a workspace, tests, rebuilds.
export LC_ALL=C CARGO_HOME=$PWD/cargo CARGO_NET_OFFLINE=true CARGO_TERM_PROGRESS_WHEN=never
cat > a.rs <<'END'
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt::{self, Debug, Display};
use std::io::{self, BufRead, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, AtomicU8, AtomicUsize, Ordering::*};
use std::sync::{mpsc, Arc, Barrier, Condvar, Mutex, Once, RwLock};
use std::thread;

trait Shape { fn area(&self) -> f64; fn name(&self) -> String { "shape".into() } }
struct Square(f64);
struct Circle { r: f64 }
impl Shape for Square { fn area(&self) -> f64 { self.0 * self.0 } fn name(&self) -> String { "square".into() } }
impl Shape for Circle { fn area(&self) -> f64 { std::f64::consts::PI * self.r.powi(2) } }
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Tree<T> { Leaf, Node(Box<Tree<T>>, T, Box<Tree<T>>) }
impl<T: Ord> Tree<T> {
    fn insert(self, value: T) -> Tree<T> {
        match self {
            Tree::Leaf => Tree::Node(Box::new(Tree::Leaf), value, Box::new(Tree::Leaf)),
            Tree::Node(l, v, r) if value < v => Tree::Node(Box::new(l.insert(value)), v, r),
            Tree::Node(l, v, r) => Tree::Node(l, v, Box::new(r.insert(value))),
        }
    }
    fn fold<A>(&self, a: A, f: &mut impl FnMut(A, &T) -> A) -> A {
        match self { Tree::Leaf => a, Tree::Node(l, v, r) => { let a = l.fold(a, f); let a = f(a, v); r.fold(a, f) } }
    }
}
struct Matrix<const N: usize>([[i64; N]; N]);
impl<const N: usize> std::ops::Mul for Matrix<N> {
    type Output = Matrix<N>;
    fn mul(self, other: Matrix<N>) -> Matrix<N> {
        let mut out = [[0i64; N]; N];
        for i in 0..N { for j in 0..N { for k in 0..N { out[i][j] = out[i][j].wrapping_add(self.0[i][k].wrapping_mul(other.0[k][j])); } } }
        Matrix(out)
    }
}
struct Noisy(&'static str);
impl Drop for Noisy { fn drop(&mut self) { println!("dropped {}", self.0); } }
fn show<T: Display + ?Sized>(what: &T) -> String where { format!("<{what:>8}>") }
#[derive(Debug)] enum Failure { Number(std::num::ParseIntError), Io(io::Error), Negative(i64) }
impl Display for Failure { fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { match self { Failure::Number(e) => write!(f, "number: {e}"), Failure::Io(e) => write!(f, "io: {e}"), Failure::Negative(n) => write!(f, "negative: {n}") } } }
impl From<std::num::ParseIntError> for Failure { fn from(e: std::num::ParseIntError) -> Self { Failure::Number(e) } }
impl From<io::Error> for Failure { fn from(e: io::Error) -> Self { Failure::Io(e) } }
fn parse(text: &str) -> Result<i64, Failure> { let n: i64 = text.trim().parse()?; if n < 0 { return Err(Failure::Negative(n)); } std::fs::metadata("/no/such")?; Ok(n) }
thread_local! { static DEPTH: RefCell<Vec<usize>> = RefCell::new(vec![]); }

fn types() {
    let shapes: Vec<Box<dyn Shape>> = vec![Box::new(Square(2.5)), Box::new(Circle { r: 1.5 })];
    for s in &shapes { println!("{} {:.12}", s.name(), s.area()); }
    let mut tree = Tree::Leaf; let mut n = 1u64; for _ in 0..2000 { n = n.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407); tree = tree.insert(n >> 40); }
    println!("{} {}", tree.fold(0u64, &mut |a, v| a ^ v), tree.fold(0, &mut |a, _| a + 1));
    let m = Matrix([[1, 2, 3], [4, 5, 6], [7, 8, 9]]) * Matrix([[2; 3]; 3]); println!("{:?} {}", m.0, show("text"));
    for text in ["7", "x", "-3", "99999999999999999999"] { match parse(text) { Ok(n) => println!("{n}"), Err(e) => println!("{e} / {e:?}") } }
    let mut words = BTreeMap::new(); for w in "the quick brown the lazy the".split_whitespace() { *words.entry(w).or_insert(0) += 1; } println!("{words:?}");
    let map: HashMap<_, _> = (0..1000).map(|n| (n, n * n)).collect(); println!("{} {:?}", map.len(), map.get(&31));
    let rc = Rc::new(RefCell::new(VecDeque::from([1, 2, 3]))); let other = rc.clone(); other.borrow_mut().push_front(0); println!("{:?} {} {}", rc.borrow(), Rc::strong_count(&rc), rc.try_borrow_mut().is_ok());
    println!("{} {} {:e} {:?} {:?}", u128::MAX / 12345678901234567, i128::MIN / 7, 1.0e-300f64 / 3.0, 0.1f32 + 0.2f32, f64::NAN.max(1.0));
    println!("{:?} {:?} {:?} {}", 200u8.checked_add(100), 200u8.saturating_add(100), i32::MAX.overflowing_add(1), (300.7f64 as u8, -5.0f64 as u32, f64::NAN as i32, 1e20f64 as i64).3);
    println!("{} {} {} {}", 0x1234_5678u32.swap_bytes(), 40u64.leading_zeros(), u64::MAX.count_ones(), 0b1011u16.reverse_bits());
    let text: String = "häßlich €".chars().rev().collect(); println!("{text} {} {}", text.to_uppercase(), text.len());
    let sum: f64 = (1..=100000).map(|n| 1.0 / f64::from(n)).sum(); println!("{sum} {}", (sum.sin() + sum.ln_1p() + sum.cbrt()).to_bits() >> 8);
}
fn threads() {
    let total = Arc::new(AtomicU64::new(0)); let locked = Arc::new(Mutex::new(0u64)); let bytes = Arc::new(AtomicU8::new(0));
    let handles: Vec<_> = (0..8).map(|id| { let (total, locked, bytes) = (total.clone(), locked.clone(), bytes.clone()); thread::Builder::new().name(format!("t{id}")).stack_size(64 << 10).spawn(move || { for i in 0..5000u64 { total.fetch_add(i, Relaxed); *locked.lock().unwrap() += id; bytes.fetch_xor(1 << (i % 8), AcqRel); } DEPTH.with(|d| d.borrow_mut().push(id as usize)); DEPTH.with(|d| d.borrow().len()) }).unwrap() }).collect();
    let lengths: usize = handles.into_iter().map(|h| h.join().unwrap()).sum(); println!("{} {} {} {lengths}", total.load(SeqCst), locked.lock().unwrap(), bytes.load(SeqCst));
    let (send, receive) = mpsc::sync_channel(3); thread::scope(|s| { for n in 0..4 { let send = send.clone(); s.spawn(move || for i in 0..250 { send.send(n * i).unwrap() }); } drop(send); println!("{}", receive.iter().sum::<i32>()); });
    let pair = (Mutex::new(0), Condvar::new()); let rw = RwLock::new(vec![0u32; 16]); let barrier = Barrier::new(4); static ONCE: Once = Once::new(); let firsts = AtomicUsize::new(0);
    thread::scope(|s| for n in 0..4 { let (pair, rw, barrier, firsts) = (&pair, &rw, &barrier, &firsts); s.spawn(move || { for turn in 0..100 { let mut now = pair.0.lock().unwrap(); while *now != turn * 4 + n { now = pair.1.wait(now).unwrap(); } *now += 1; pair.1.notify_all(); drop(now); if turn % 10 == 0 { rw.write().unwrap()[n] += 1; } else { assert!(rw.read().unwrap()[n] > 0); } } ONCE.call_once(|| { firsts.fetch_add(1, SeqCst); }); if barrier.wait().is_leader() { firsts.fetch_add(100, SeqCst); } }); });
    println!("{} {:?} {}", pair.0.lock().unwrap(), &rw.read().unwrap()[..4], firsts.load(SeqCst));
    let poisoned = Arc::new(Mutex::new(1)); let p = poisoned.clone(); let e = thread::spawn(move || { let _held = p.lock().unwrap(); std::panic::panic_any(42i32) }).join().unwrap_err(); println!("{:?} {}", e.downcast_ref::<i32>(), poisoned.is_poisoned());
    println!("{:?}", thread::spawn(|| -> i32 { let v: Vec<i32> = Vec::new(); v[std::hint::black_box(3)] }).join().unwrap_err().downcast_ref::<String>());
}
fn panics() {
    for n in 0..5 { let r = std::panic::catch_unwind(|| { let _a = Noisy("a"); let z = std::hint::black_box(0); match n { 0 => 10 / z, 1 => [1, 2, 3][std::hint::black_box(7)], 2 => None::<i32>.expect("nothing"), 3 => "é".as_bytes()[0] as i32 + str::from_utf8_lossy("é"), _ => Result::<i32, _>::Err(Failure::Negative(-1)).unwrap() } }); println!("{n} {}", r.is_err()); }
}
trait Lossy { fn from_utf8_lossy(s: &str) -> i32; } impl Lossy for str { fn from_utf8_lossy(s: &str) -> i32 { s[1..].len() as i32 } }
fn processes() -> io::Result<()> {
    let mut child = Command::new("tr").arg("a-z").arg("A-Z").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?; child.stdin.take().unwrap().write_all(b"piped text")?; let out = child.wait_with_output()?; println!("{} {:?}", String::from_utf8_lossy(&out.stdout), out.status.code());
    println!("{:?} {}", Command::new("sh").args(["-c", "kill -9 $$"]).status()?, Command::new("/no/such").spawn().unwrap_err());
    let listener = TcpListener::bind("127.0.0.1:0")?; let address = listener.local_addr()?; let server = thread::spawn(move || -> io::Result<()> { for stream in listener.incoming().take(5) { let mut stream = stream?; let mut line = String::new(); io::BufReader::new(stream.try_clone()?).read_line(&mut line)?; stream.write_all(line.to_uppercase().as_bytes())?; } Ok(()) });
    for n in 0..5 { let mut c = TcpStream::connect(address)?; writeln!(c, "line {n}")?; let mut s = String::new(); c.read_to_string(&mut s)?; print!("{s}"); } server.join().unwrap()?;
    std::fs::create_dir_all("d/e/f")?; std::fs::write("d/e/f/g", vec![7u8; 100_000])?; println!("{} {:?}", std::fs::metadata("d/e/f/g")?.len(), std::fs::read_dir("d/e")?.map(|e| e.unwrap().file_name()).collect::<Vec<_>>()); std::fs::remove_dir_all("d")
}
fn main() {
    types(); threads(); panics(); processes().unwrap();
    let _noisy = Noisy("main");
    match std::env::args().nth(1).as_deref() {
        Some("overflow") => { fn deep(n: u64) -> u64 { let a = std::hint::black_box([n; 64]); if n == u64::MAX { 0 } else { deep(n + 1) + a[(n & 63) as usize] } } println!("{}", deep(0)); }
        Some("abort") => std::process::abort(),
        Some(_) => { let text = String::from("é"); println!("{}", &text[1..]); }
        None => std::process::exit(5),
    }
}
END
for flags in '-g -C incremental=inc' '-O -C target-feature=+crt-static' '-C opt-level=s -C panic=abort -C prefer-dynamic'; do
    rustc --edition 2021 $flags -o a a.rs 2> err; echo "rustc $flags: $? $(grep -c '^warning' err)"
    for how in '' bounds overflow abort; do { ./a $how > out 2> err; } 2> /dev/null; echo "$how: $? $(sha256sum < out) $(grep -c . err)"; done
done 2> /dev/null
{ ./a 2> err; } 2> /dev/null; sed 's/ ([0-9]*) panicked/ panicked/' err
cat > b.rs <<'END'
mod inner { #[inline(never)] pub fn first(n: i32) -> i32 { second(n) + 1 } #[inline(never)] fn second(n: i32) -> i32 { (|m: i32| { if m > 2 { panic!("too many") } m })(n) } }
fn main() { println!("{}", inner::first(std::env::args().count() as i32)); let t = std::thread::Builder::new().name("worker".into()).spawn(|| inner::first(7)).unwrap(); println!("{}", t.join().is_err()); inner::first(3); }
END
for flags in -O '-g -O'; do
    rustc $flags -o b b.rs; for how in 0 1 full; do RUST_BACKTRACE=$how ./b > out 2>&1; echo "$flags $how: $?"; sed 's/ ([0-9]*) panicked/ panicked/; s/^ *[0-9]*: *//; s/0x[0-9a-f]* - //; s/::h[0-9a-f]\{16\}$//' out | grep -v ' at \./[^b]\|/rustc/\|/usr/\|^\(core\|std\|<\|alloc\|rust_\|_start\|__\|start_\|clone\|thread_start\)'; done
done
mkdir -p w/derive/src w/lib/src w/lib/tests w/app/src; cd w || exit
printf '[workspace]\nmembers = ["derive", "lib", "app"]\nresolver = "2"\n[profile.release]\ndebug = 1\n' > Cargo.toml
printf '[package]\nname = "derive"\nversion = "0.1.0"\nedition = "2021"\n[lib]\nproc-macro = true\n' > derive/Cargo.toml
cat > derive/src/lib.rs <<'END'
use proc_macro::{Group, Ident, Span, TokenStream, TokenTree};
/// Says the fields' names.
#[proc_macro_derive(Fields)]
pub fn fields(input: TokenStream) -> TokenStream {
    let mut tokens = input.into_iter().skip_while(|t| t.to_string() != "struct").skip(1);
    let name = tokens.next().unwrap();
    let body = match tokens.next() { Some(TokenTree::Group(body)) => body, _ => return "compile_error!(\"a struct with fields\");".parse().unwrap() };
    let all: Vec<TokenTree> = body.stream().into_iter().collect();
    let names: Vec<String> = all.windows(2).filter(|w| w[1].to_string() == ":").map(|w| format!("{:?}", w[0].to_string())).collect();
    format!("impl {name} {{ pub const FIELDS: &'static [&'static str] = &[{}]; }}", names.join(",")).parse().unwrap()
}
/// Turns what is in it around.
#[proc_macro]
pub fn backwards(input: TokenStream) -> TokenStream { let mut all: Vec<TokenTree> = input.into_iter().collect(); all.reverse(); all.into_iter().collect() }
/// Lets a function say its name first.
#[proc_macro_attribute]
pub fn traced(_: TokenStream, item: TokenStream) -> TokenStream {
    let mut name = None; let mut after = false;
    item.into_iter().map(|t| match t {
        TokenTree::Ident(ref i) => { if after { name = Some(i.to_string()); } after = i.to_string() == "fn"; t }
        TokenTree::Group(g) if g.delimiter() == proc_macro::Delimiter::Brace => { let mut s: TokenStream = format!("println!(\"in {}\");", name.take().unwrap()).parse().unwrap(); s.extend(g.stream()); TokenTree::Group(Group::new(proc_macro::Delimiter::Brace, s)) }
        t => { let _ = Ident::new("x", Span::call_site()); t }
    }).collect()
}
END
printf '[package]\nname = "lib"\nversion = "0.2.0"\nedition = "2021"\nbuild = "build.rs"\n[features]\nloud = []\n' > lib/Cargo.toml
cat > lib/build.rs <<'END'
fn main() { let out = std::env::var("OUT_DIR").unwrap(); std::fs::write(format!("{out}/table.rs"), format!("pub static TABLE: [u32; 8] = {:?};", (0..8u32).map(|n| n.pow(3)).collect::<Vec<_>>())).unwrap(); println!("cargo:rerun-if-changed=build.rs\ncargo:rustc-env=BUILT=by build.rs"); }
END
cat > lib/src/lib.rs <<'END'
//! ```
//! assert_eq!(lib::twice(21), 42);
//! ```
include!(concat!(env!("OUT_DIR"), "/table.rs"));
pub fn twice<T: std::ops::Add<Output = T> + Copy>(x: T) -> T { x + x }
pub fn built() -> String { format!("{}{}", env!("BUILT"), if cfg!(feature = "loud") { "!" } else { "" }) }
#[cfg(test)] mod tests { use super::*;
    #[test] fn doubles() { assert_eq!(twice(2), 4); }
    #[test] fn fails() { assert_eq!(twice("x".len()), 3, "on purpose"); }
    #[test] #[should_panic(expected = "out of bounds")] fn panics() { let n = TABLE.len(); println!("{}", TABLE[std::hint::black_box(n)]); }
    #[test] #[ignore] fn ignored() {} }
END
echo '#[test] fn table() -> Result<(), String> { if lib::TABLE[3] == 27 { Ok(()) } else { Err("no".into()) } }' > lib/tests/all.rs
printf '[package]\nname = "app"\nversion = "0.3.0"\nedition = "2021"\n[dependencies]\nlib = { path = "../lib" }\nderive = { path = "../derive" }\n' > app/Cargo.toml
cat > app/src/main.rs <<'END'
#[derive(derive::Fields)] #[allow(dead_code)] struct Point { x: f64, y: f64, name: String }
#[derive::traced] fn work(n: u32) -> u32 { lib::twice(n) }
fn main() { println!("{:?} {} {} {:?} {}", Point::FIELDS, work(4), derive::backwards!(3 - 10), lib::TABLE, lib::built()); println!("{}", env!("CARGO_PKG_VERSION")); }
END
said() { sed 's/ in [0-9.]*s$//; s/^\(    Finished.*\) in .*/\1/; s/finished in .*/finished/; s/([^)]*case[^)]*)//; s/-[0-9a-f]\{16\}\([^0-9a-f]\|$\)/\1/; s/; [0-9.]* *s *$//; s/ ([0-9]*) panicked/ panicked/'; }
cargo build 2>&1 | grep -v lock | said | sort; target/debug/app
sed -i 's/x + x/x + x + x/' lib/src/lib.rs; sleep 1; touch lib/src/lib.rs; cargo run -q; cargo build 2>&1 | said
cargo run -q --release; cargo build --release 2>&1 | said; cargo test --no-fail-fast 2>&1 | said | grep -v Compiling | sort; cargo test --test all --release -q 2>&1 | said
echo 'fn broken() -> u32 { "text" } fn unused(mut x: i32) {}' >> app/src/main.rs; cargo check 2>&1 | said | grep -v -e Checking -e 'waiting for other jobs'; sed -i '$d' app/src/main.rs
cargo run -q -p app --features lib/loud 2>&1 | head -3; cargo tree; cargo metadata --format-version 1 --no-deps | grep -o '"name":"[a-z]*","version":"[0-9.]*"' | sort; cargo doc --no-deps -p lib 2>&1 | said | grep -v Documenting; grep -c twice target/doc/lib/index.html; cargo package --list -p derive --allow-dirty; cargo clean 2>&1 | grep -c Removed
