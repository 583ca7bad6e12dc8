# packages: default-jdk-headless
# OpenJDK: a compiler, threads, faults caught in compiled code, collectors,
# code that is optimized and given up again, children, files, signals.
export LC_ALL=C.UTF-8 JAVA_TOOL_OPTIONS=-Xmx256m
cat > Case.java <<'END'
import java.io.*;
import java.lang.invoke.*;
import java.lang.ref.*;
import java.lang.reflect.*;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.*;
import java.nio.channels.*;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.security.*;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.*;
import java.util.concurrent.locks.*;
import java.util.function.*;
import java.util.stream.*;
import java.util.zip.*;

public class Case {
    static final int N = Integer.getInteger("n", 20000);
    static volatile Object sink;
    int field = 1;
    Case next;

    interface Body { void run() throws Throwable; }
    static void show(Object... what) { System.out.println(Arrays.stream(what).map(String::valueOf).collect(Collectors.joining(" "))); }
    static String caught(Body body) { try { body.run(); return "nothing"; } catch (Throwable t) { return t.getClass().getSimpleName(); } }

    // Each of these is compiled with an access that faults, or a trap.
    static int field(Case c) { return c.field; }
    static int length(int[] a) { return a.length; }
    static int element(int[] a, int i) { return a[i]; }
    static int virtual(Object o) { return o.hashCode(); }
    static int divide(int a, int b) { return a / b; }
    static void lock(Object o) { synchronized (o) { sink = null; } }
    static String cast(Object o) { return (String) o; }
    static void store(Object[] a, Object o) { a[0] = o; }

    static void faults() {
        int[] counts = new int[8];
        Case c = new Case(); int[] a = {1, 2}; Object[] strings = new String[1];
        for (int i = 0; i < N; i++) {
            boolean bad = i % 3 == 0;
            try { counts[7] += field(bad ? null : c); } catch (NullPointerException e) { counts[0]++; }
            try { counts[7] += length(bad ? null : a); } catch (NullPointerException e) { counts[1]++; }
            try { counts[7] += element(a, bad ? i + 2 : 1); } catch (ArrayIndexOutOfBoundsException e) { counts[2]++; }
            try { virtual(bad ? null : "x"); } catch (NullPointerException e) { counts[3]++; }
            try { counts[7] += divide(i, bad ? 0 : i); } catch (ArithmeticException e) { counts[4]++; }
            try { lock(bad ? null : c); } catch (NullPointerException e) { counts[5]++; }
            try { sink = cast(bad ? (Object) i : "s"); store(strings, bad ? (Object) i : "s"); } catch (ClassCastException e) { counts[6]++; }
        }
        show("faults", Arrays.toString(counts), divide(Integer.MIN_VALUE, -1), caught(() -> store(strings, 1)), caught(() -> sink = new int[-1]));
        // Each thread finds nulls in a list of its own.
        int found = IntStream.range(0, 4).parallel().map(t -> { Case l = null; for (int i = 0; i < t + 2; i++) { Case n = new Case(); n.next = l; l = n; }
            int sum = 0; for (int i = 0; i < N / 4; i++) try { for (Case p = l; ; p = p.next) sum += p.field; } catch (NullPointerException e) { sum += 100; } return sum; }).sum();
        show("lists", found);
    }

    static int deep(int n) { return deep(n + 1) + 1; }
    static int wide(int n, long a, double b, Object c) { byte[] big = new byte[64]; big[n & 63] = 1; return wide(n + 1, a + n, b * 2, big) + big[n & 63]; }
    static void stacks() throws Exception {
        int over = 0;
        for (int i = 0; i < 20; i++) try { deep(0); } catch (StackOverflowError e) { over++; }
        for (int i = 0; i < 20; i++) try { wide(0, 1, 2, null); } catch (StackOverflowError e) { over++; }
        AtomicInteger all = new AtomicInteger(over);
        Thread[] threads = new Thread[6];
        for (int t = 0; t < threads.length; t++) { threads[t] = new Thread(null, () -> { for (int i = 0; i < 10; i++) try { deep(0); } catch (StackOverflowError e) { all.incrementAndGet(); } }, "deep", 256 * 1024 << t % 3); threads[t].start(); }
        for (Thread t : threads) t.join();
        show("stacks", all);
    }

    static void threads() throws Exception {
        ConcurrentHashMap<Integer, Integer> map = new ConcurrentHashMap<>(); LongAdder adder = new LongAdder(); ReentrantReadWriteLock rw = new ReentrantReadWriteLock();
        int[] plain = {0, 0}; Object monitor = new Object(); Thread[] threads = new Thread[8]; CyclicBarrier barrier = new CyclicBarrier(8);
        for (int t = 0; t < 8; t++) { int id = t; threads[t] = new Thread(() -> { try { barrier.await(); for (int i = 0; i < N; i++) { map.merge(i % 97, 1, Integer::sum); adder.add(id); synchronized (monitor) { plain[0]++; } if (i % 64 == 0) { rw.writeLock().lock(); plain[1]++; rw.writeLock().unlock(); } else { rw.readLock().lock(); rw.readLock().unlock(); } } barrier.await(); } catch (Exception e) { show(e); } }); threads[t].start(); }
        for (Thread t : threads) t.join();
        show("threads", map.values().stream().mapToInt(i -> i).sum(), adder, plain[0], plain[1]);
        SynchronousQueue<Integer> queue = new SynchronousQueue<>(); Thread producer = new Thread(() -> { try { for (int i = 0; i < 500; i++) queue.put(i); } catch (InterruptedException e) { } }); producer.start();
        int sum = 0; for (int i = 0; i < 500; i++) sum += queue.take();
        Thread sleeper = new Thread(() -> { try { Thread.sleep(100000); } catch (InterruptedException e) { show("interrupted"); } }); sleeper.start(); sleeper.interrupt(); sleeper.join();
        Thread parked = new Thread(() -> { while (!Thread.interrupted()) LockSupport.park(); }); parked.start(); parked.interrupt(); parked.join();
        show("handed", sum, caught(() -> new FutureTask<>(() -> { throw new IOException(); }).get(1, TimeUnit.MILLISECONDS)), ForkJoinPool.commonPool().invoke(new Fib(18)), IntStream.range(0, 100000).parallel().filter(i -> i % 7 == 0).mapToLong(i -> i).sum());
        ExecutorService pool = Executors.newFixedThreadPool(4); List<Future<Integer>> futures = new ArrayList<>(); for (int i = 0; i < 200; i++) { int n = i; futures.add(pool.submit(() -> n * n)); } long squares = 0; for (Future<Integer> f : futures) squares += f.get(); pool.shutdown();
        show("pool", squares, pool.awaitTermination(10, TimeUnit.SECONDS), CompletableFuture.supplyAsync(() -> 6).thenCombine(CompletableFuture.supplyAsync(() -> 7), (a, b) -> a * b).get());
        // Newer versions have virtual threads.
        try {
            Method start = Thread.class.getMethod("startVirtualThread", Runnable.class); AtomicInteger ran = new AtomicInteger(); List<Thread> virtual = new ArrayList<>(); Semaphore few = new Semaphore(10);
            for (int i = 0; i < 2000; i++) virtual.add((Thread) start.invoke(null, (Runnable) () -> { try { few.acquire(); Thread.sleep(1); ran.incrementAndGet(); few.release(); } catch (InterruptedException e) { } }));
            for (Thread t : virtual) t.join(); show("virtual", ran);
        } catch (NoSuchMethodException e) { show("no virtual threads"); }
    }
    static class Fib extends RecursiveTask<Integer> { final int n; Fib(int n) { this.n = n; } protected Integer compute() { if (n < 2) return n; Fib f = new Fib(n - 1); f.fork(); return new Fib(n - 2).compute() + f.join(); } }

    // Sites that are compiled for one receiver, then meet others.
    interface Shape { double area(); }
    record Square(double side) implements Shape { public double area() { return side * side; } }
    record Circle(double r) implements Shape { public double area() { return 3 * r * r; } }
    static class Base implements Shape { public double area() { return 1; } }
    static class Later extends Base { public double area() { return 2; } }
    static double total(Shape[] shapes) { double sum = 0; for (Shape s : shapes) sum += s.area(); return sum; }
    static int branch(int i, boolean rare) { if (rare) { int x = 0; for (int j = 0; j < 5; j++) x += sink == null ? j : 1; return x; } return i & 3; }
    static void deoptimized() throws Throwable {
        Shape[] shapes = new Shape[100]; double sum = 0;
        for (int round = 0; round < 5; round++) {
            for (int i = 0; i < 100; i++) shapes[i] = round == 0 || i % (round + 1) != 0 ? new Base() : round == 1 ? new Square(i) : round == 2 ? new Circle(i) : round == 3 ? (Shape) Class.forName("Case$Later").getDeclaredConstructor().newInstance() : () -> 7;
            for (int i = 0; i < N / 40; i++) sum += total(shapes);
        }
        long count = 0; for (int i = 0; i < N * 5; i++) count += branch(i, i > N * 2 && i % 1000 == 0);
        show("deoptimized", sum, count);
        MethodHandles.Lookup lookup = MethodHandles.lookup(); MethodHandle handle = lookup.findStatic(Case.class, "divide", MethodType.methodType(int.class, int.class, int.class)); VarHandle var = lookup.findVarHandle(Case.class, "field", int.class);
        MethodHandle guarded = MethodHandles.catchException(handle, ArithmeticException.class, MethodHandles.dropArguments(MethodHandles.constant(int.class, -1), 0, ArithmeticException.class)); MutableCallSite site = new MutableCallSite(handle); MethodHandle dynamic = site.dynamicInvoker();
        Case c = new Case(); int all = 0; for (int i = 0; i < N; i++) { all += (int) guarded.invokeExact(i, i % 5); if (i == N / 2) site.setTarget(guarded); all += (int) dynamic.invokeExact(i, 3); var.getAndAdd(c, 2); }
        Shape proxy = (Shape) Proxy.newProxyInstance(Case.class.getClassLoader(), new Class<?>[] {Shape.class}, (p, m, a) -> (double) m.getName().length()); for (int i = 0; i < 5000; i++) sum += proxy.area();
        show("handles", all, c.field, sum, caught(() -> { int x = (int) handle.invoke("x", 2); }));
        // Small functions by the hundred, each with a class of its own.
        IntUnaryOperator f = x -> x; for (int i = 0; i < 200; i++) { int n = i; IntUnaryOperator g = f; f = i % 2 == 0 ? x -> g.applyAsInt(x) + n : x -> g.applyAsInt(x) ^ n; } int folded = 0; for (int i = 0; i < N / 20; i++) folded += f.applyAsInt(i); show("folded", folded);
    }

    static void memory() throws Exception {
        Map<Integer, byte[]> cache = new LinkedHashMap<>(); long sum = 0;
        for (int i = 0; i < N * 2; i++) { byte[] b = new byte[i % 3000 + 1]; b[i % b.length] = (byte) i; cache.put(i % 1000, b); sum += b[i / 2 % b.length]; if (i % 1000 == 0) cache.values().removeIf(x -> x.length < 1000); }
        show("memory", sum, cache.size());
    }
    static void exhausted() throws Exception {
        List<long[]> held = new ArrayList<>(); String error = caught(() -> { for (;;) held.add(new long[1 << 18]); }); boolean some = held.size() > 10; held.clear();
        WeakReference<Object> weak = new WeakReference<>(new Object()); boolean[] cleaned = {false}; clean(cleaned); for (int i = 0; i < 200 && (weak.get() != null || !cleaned[0]); i++) { System.gc(); Thread.sleep(5); }
        ByteBuffer direct = ByteBuffer.allocateDirect(1 << 20).order(ByteOrder.BIG_ENDIAN); direct.putLong(8, 0x0102030405060708L); show("exhausted", error, some, weak.get(), cleaned[0], direct.order(ByteOrder.LITTLE_ENDIAN).getLong(8));
    }
    static void clean(boolean[] cleaned) { Cleaner.create().register(new Object(), () -> cleaned[0] = true); }

    static void numbers() throws Exception {
        double d = 0; float f = 0; long bits = 0; Random random = new Random(1);
        for (int i = 0; i < N; i++) { double x = random.nextGaussian() * Math.pow(2, i % 200 - 100); d += StrictMath.sin(x) + Math.sqrt(Math.abs(x)) + Math.fma(x, x, 1) % 3; f += (float) x % 1; bits = bits * 31 + Double.doubleToLongBits(Math.rint(x)) + (int) x + (long) (float) x + Long.bitCount((long) x) + Long.numberOfTrailingZeros((long) x | 1 << 20) + Math.multiplyHigh((long) x, i) + Integer.reverse(i) + Long.divideUnsigned(-i, 7) + Character.getNumericValue((char) i); }
        show("numbers", d, f, bits, (int) Double.NaN, (long) 1e30, (int) -1e30f, 0.0 / 0, -1 / 0.0, Math.min(-0.0, 0.0), (byte) 300, 1 << 33, -17 >>> 28, -17 % 5, Math.floorMod(-17, 5), 0.1 + 0.2, 1e23, Float.MIN_VALUE, Math.round(-2.5), new java.math.BigInteger("3").pow(200).mod(java.math.BigInteger.TEN.pow(30)), new java.math.BigDecimal(2).sqrt(new java.math.MathContext(40)));
        int[] a = random.ints(N, 0, 1000).toArray(), b = a.clone(); long dot = 0; for (int r = 0; r < 20; r++) for (int i = 0; i < a.length; i++) dot += a[i] * b[a.length - 1 - i]; Arrays.parallelSort(b); Arrays.sort(a); for (int i = 0; i < a.length; i++) a[i] = a[i] * 3 + i; show("arrays", dot, Arrays.hashCode(a), Arrays.mismatch(a, b), IntStream.of(a).summaryStatistics());
        byte[] text = IntStream.range(0, N).mapToObj(i -> "line " + i + (char) (0xe4 + i % 3) + "\n").collect(Collectors.joining()).getBytes(StandardCharsets.UTF_8);
        for (String name : new String[] {"MD5", "SHA-1", "SHA-256", "SHA-512", "SHA3-256"}) { byte[] digest = null; for (int i = 0; i < 5; i++) digest = MessageDigest.getInstance(name).digest(text); show(name, HexFormat.of().formatHex(digest)); }
        javax.crypto.Cipher aes = javax.crypto.Cipher.getInstance("AES/GCM/NoPadding"); aes.init(1, new javax.crypto.spec.SecretKeySpec(new byte[16], "AES"), new javax.crypto.spec.GCMParameterSpec(128, new byte[12])); CRC32 crc = new CRC32(); crc.update(aes.doFinal(text)); CRC32C crc32c = new CRC32C(); crc32c.update(text); Adler32 adler = new Adler32(); adler.update(text);
        ByteArrayOutputStream zipped = new ByteArrayOutputStream(); try (GZIPOutputStream gzip = new GZIPOutputStream(zipped)) { gzip.write(text); } show("sums", crc.getValue(), crc32c.getValue(), adler.getValue(), new GZIPInputStream(new ByteArrayInputStream(zipped.toByteArray())).readAllBytes().length, Base64.getEncoder().encodeToString(text).hashCode(), new String(text, StandardCharsets.UTF_8).toUpperCase().chars().sum(), "a1b22".replaceAll("\\d+", "#"), String.format("%,.3f %08x %-5s|", 1234567.891, 255, "x"));
        KeyPairGenerator keys = KeyPairGenerator.getInstance("RSA"); keys.initialize(1024, SecureRandom.getInstance("SHA1PRNG")); KeyPair pair = keys.generateKeyPair(); Signature sign = Signature.getInstance("SHA256withRSA"); sign.initSign(pair.getPrivate()); sign.update(text); byte[] signed = sign.sign(); sign.initVerify(pair.getPublic()); sign.update(text); show("signed", sign.verify(signed));
    }

    static void system() throws Exception {
        Process p = new ProcessBuilder("sh", "-c", "cat; echo err >&2; exit 5").redirectErrorStream(true).start(); try (OutputStream out = p.getOutputStream()) { out.write("to a child\n".getBytes()); } show("child", new String(p.getInputStream().readAllBytes()).trim(), p.waitFor());
        show("no child", caught(() -> new ProcessBuilder("/no/such/program").start()), caught(() -> new ProcessBuilder("/etc/passwd").start())); Process slow = new ProcessBuilder("sleep", "1000").start(); show("slow", slow.waitFor(50, TimeUnit.MILLISECONDS), slow.isAlive()); slow.destroy(); show("destroyed", slow.waitFor()); slow = new ProcessBuilder("sleep", "1000").start(); slow.destroyForcibly(); show("killed", slow.waitFor(), slow.toHandle().isAlive());
        int sum = 0; for (int i = 0; i < 20; i++) sum += new ProcessBuilder("sh", "-c", "exit " + i).start().waitFor(); show("children", sum);
        Path dir = Files.createTempDirectory("case"), file = dir.resolve("file"); Files.writeString(file, "one\ntwo\n"); Files.createSymbolicLink(dir.resolve("link"), Path.of("file")); Files.createDirectories(dir.resolve("a/b/c")); Files.setPosixFilePermissions(file, java.nio.file.attribute.PosixFilePermissions.fromString("rw-r-----"));
        try (Stream<Path> walk = Files.walk(dir)) { show("walk", walk.map(q -> dir.relativize(q).toString()).sorted().toList(), Files.readAllLines(dir.resolve("link")), Files.getPosixFilePermissions(file).size(), Files.isSymbolicLink(dir.resolve("link")), caught(() -> Files.delete(dir)), caught(() -> Files.readString(dir.resolve("none")))); }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) { MappedByteBuffer map = channel.map(FileChannel.MapMode.READ_WRITE, 0, 100000); map.put(99999, (byte) 7); for (int i = 0; i < 90000; i += 4) map.putInt(i, i); map.force(); try (FileLock lock = channel.tryLock()) { show("mapped", channel.size(), lock.isValid()); }
            ByteBuffer read = ByteBuffer.allocate(8); channel.read(read, 40000); show("read", read.flip().getLong()); channel.truncate(0); show("cut", caught(() -> { for (int i = 0; i < 1000; i++) { map.get(0); Thread.sleep(1); } })); }
        try (ServerSocketChannel server = ServerSocketChannel.open().bind(new InetSocketAddress("127.0.0.1", 0)); Selector selector = Selector.open()) {
            server.configureBlocking(false); server.register(selector, SelectionKey.OP_ACCEPT); int port = ((InetSocketAddress) server.getLocalAddress()).getPort();
            CompletableFuture<String> client = CompletableFuture.supplyAsync(() -> { try (Socket s = new Socket("127.0.0.1", port)) { s.getOutputStream().write("hello\n".getBytes()); return new BufferedReader(new InputStreamReader(s.getInputStream())).readLine(); } catch (IOException e) { return e.toString(); } });
            for (boolean done = false; !done; ) { selector.select(); for (SelectionKey key : selector.selectedKeys()) if (key.isAcceptable()) { SocketChannel c = server.accept(); c.configureBlocking(false); c.register(selector, SelectionKey.OP_READ); } else { SocketChannel c = (SocketChannel) key.channel(); ByteBuffer b = ByteBuffer.allocate(100); c.read(b); c.write(ByteBuffer.wrap(new String(b.array(), 0, b.position()).toUpperCase().getBytes())); c.close(); done = true; } selector.selectedKeys().clear(); } show("socket", client.get(), caught(() -> new Socket("127.0.0.1", 1)));
        }
        CountDownLatch got = new CountDownLatch(20); sun.misc.Signal.handle(new sun.misc.Signal("USR2"), s -> got.countDown()); long before; do { before = got.getCount(); sun.misc.Signal.raise(new sun.misc.Signal("USR2")); while (got.getCount() == before) Thread.sleep(1); } while (got.getCount() > 0); show("signals", got.getCount());
    }

    public static void main(String[] arguments) throws Throwable {
        for (String part : arguments.length > 0 ? arguments : "faults stacks threads deoptimized memory exhausted numbers system".split(" ")) Case.class.getDeclaredMethod(part).invoke(null);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> show("hook"))); System.exit(3);
    }
}
END
java() { command java "$@" 2> err; s=$?; grep -v '^Picked up' err; return $s; }
javac Case.java 2> log; echo "javac: $?"; ls *.class | wc -l
java Case; echo $?
# The same whichever compiler made the code, and with none.
# Where memory is exhausted is luck with 32 bits.
parts='faults stacks threads deoptimized memory numbers system'
for o in -XX:TieredStopAtLevel=1 '-XX:-TieredCompilation -XX:+UseParallelGC' '-XX:+UseSerialGC -Xcomp -XX:TieredStopAtLevel=1 -Dn=2000' '-Dn=1000' '-Xint -Dn=1000'; do echo "$o" $(java $o Case $parts | sha256sum); done
# Collectors, with one that maps the heap thrice.
for o in G1GC ParallelGC SerialGC ShenandoahGC ZGC; do java -Xmx64m -XX:+Use$o Case memory exhausted threads; echo "$o $?"; done
# Ends: an exception, a signal with its hook, threads that are listed, a crash.
cat > Ends.java <<'END'
public class Ends {
    public static void main(String[] a) throws Exception {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("hook")));
        if (a[0].equals("throw")) throw new IllegalStateException("thrown");
        if (a[0].equals("halt")) Runtime.getRuntime().halt(9);
        if (a[0].equals("crash")) { var f = sun.misc.Unsafe.class.getDeclaredField("theUnsafe"); f.setAccessible(true); ((sun.misc.Unsafe) f.get(null)).putLong(8, 1); }
        System.out.println("ready"); Thread.sleep(100000);
    }
}
END
javac Ends.java 2> log; java Ends throw; echo $?; java Ends halt; echo $?; { java -XX:-CreateCoredumpOnCrash -XX:ErrorFile=crash Ends crash > log; } 2> /dev/null; echo $?; grep -o 'SIGSEGV (0xb)' log; grep '^siginfo' crash
: > out; command java Ends wait >> out 2> err & p=$!; until grep -q ready out; do sleep 0.1; done; jcmd $p Thread.print 2> /dev/null | grep -c -e '"main"' -e Thread.sleep; kill -QUIT $p; until grep -q 'JNI global' out; do sleep 0.1; done; kill $p; wait $p; echo $?; grep -e hook -e '^Full thread dump' out | cut -c1-16
jar cfe case.jar Case *.class 2> log; java -jar case.jar faults; echo $?; java -XX:ArchiveClassesAtExit=case.jsa -jar case.jar numbers > log; java -XX:SharedArchiveFile=case.jsa -Xshare:on -jar case.jar faults; echo $?
printf '%s\n' 'System.out.println(IntStream.range(0, 10).sum() + " in the shell");' '/exit' > s.jsh; jshell -R-Djava.util.prefs.userRoot=. s.jsh < /dev/null 2> log; echo $?
