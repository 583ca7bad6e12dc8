# packages: mono-mcs mono-runtime
# .NET (Mono): a compiler, faults caught in compiled code, threads that are
# aborted, finalizers, code that is emitted, calls to and from C. (A thread that calls
# nothing is not aborted when another signal's handler runs just then: Mono does not try again.)
export LC_ALL=C.UTF-8
cat > a.cs <<'END'
using System; using System.Collections.Generic; using System.Linq; using System.Threading; using System.Diagnostics; using System.IO; using System.Text; using System.Reflection; using System.Reflection.Emit; using System.Runtime.InteropServices;
class Node { public int value = 1; public Node next; public virtual int Get() { return value; } }
class Other : Node { public override int Get() { return value + 1; } ~Other() { Interlocked.Increment(ref Program.finalized); } }
static class Program {
    public static int finalized; [DllImport("libc")] static extern int abs(int x); delegate int Compare(IntPtr a, IntPtr b); [DllImport("libc")] static extern void qsort(int[] a, IntPtr n, IntPtr size, Compare c);
    static int Fib(int n) { return n < 2 ? n : Fib(n - 1) + Fib(n - 2); }
    static string Caught(Action a) { try { a(); return "nothing"; } catch (Exception e) { return e.GetType().Name; } }
    static int Deep(int n) { return Deep(n + 1) + 1; } static void Leave() { for (int i = 0; i < 1000; i++) new Other(); }
    static IEnumerable<int> Numbers() { for (int i = 0; ; i++) yield return i * i; }
    static int Main() {
        Console.WriteLine(Fib(25)); int[] counts = new int[4]; Node node = new Node(), none = null; int[] two = { 1, 2 }; object text = "s";
        for (int i = 0; i < 20000; i++) { bool bad = i % 5 == 0; try { counts[3] += (bad ? none : node).value; } catch (NullReferenceException) { counts[0]++; } try { counts[3] += 7 / (bad ? counts[3] - counts[3] : 1); } catch (DivideByZeroException) { counts[1]++; } try { counts[3] += two[bad ? 2 + i : 1]; } catch (IndexOutOfRangeException) { counts[2]++; } } Console.WriteLine(string.Join(" ", counts));
        Console.WriteLine(Caught(() => none.Get()) + " " + Caught(() => { var x = (Node)(object)text; }) + " " + Caught(() => checked(int.MaxValue + two[0]).ToString()) + " " + Caught(() => { throw new IOException(); }) + " " + Caught(() => { object[] o = new string[1]; o[0] = 1; }) + " " + Caught(() => Marshal.ReadInt32(IntPtr.Zero)));
        long total = 0; var threads = Enumerable.Range(0, 6).Select(id => new Thread(() => { for (int i = 0; i < 5000; i++) { lock (two) total += id; var garbage = new Node[20]; garbage[i % 20] = new Other(); if (garbage[i % 20].Get() != 2) Console.WriteLine(i); } })).ToList(); threads.ForEach(t => t.Start()); threads.ForEach(t => t.Join());
        Leave(); for (int i = 0; i < 50 && finalized < 900; i++) { GC.Collect(); GC.WaitForPendingFinalizers(); } Console.WriteLine("{0} {1}", finalized > 900, Numbers().Where(n => n % 3 == 1).Take(500).Sum());
        var sleeper = new Thread(() => { try { Thread.Sleep(100000); } catch (ThreadInterruptedException) { Console.WriteLine("interrupted"); } }); sleeper.Start(); sleeper.Interrupt(); sleeper.Join(); var spinner = new Thread(() => { try { for (; ; ) Thread.Yield(); } catch (ThreadAbortException) { Console.WriteLine("aborted"); } }); spinner.Start(); Thread.Sleep(50); spinner.Abort(); spinner.Join();
        int done = 0; using (var all = new CountdownEvent(300)) { for (int i = 0; i < 300; i++) ThreadPool.QueueUserWorkItem(x => { Interlocked.Add(ref done, Fib((int)x % 12)); all.Signal(); }, i); all.Wait(); } Console.WriteLine(done);
        int[] numbers = { 5, 2, 9, -1, 7 }; qsort(numbers, (IntPtr)5, (IntPtr)4, (a, b) => Marshal.ReadInt32(a) - Marshal.ReadInt32(b)); Console.WriteLine(string.Join(",", numbers) + " " + abs(-7));
        for (int k = 0; k < 40; k++) { var method = new DynamicMethod("m" + k, typeof(int), new[] { typeof(int) }); var il = method.GetILGenerator(); il.Emit(OpCodes.Ldarg_0); il.Emit(OpCodes.Ldc_I4, k); il.Emit(OpCodes.Mul); il.Emit(OpCodes.Ret); var f = (Func<int, int>)method.CreateDelegate(typeof(Func<int, int>)); for (int i = 0; i < 100; i++) total += f(i); } Console.WriteLine(total);
        var p = Process.Start(new ProcessStartInfo("/bin/sh", "-c \"cat; exit 5\"") { RedirectStandardInput = true, RedirectStandardOutput = true, UseShellExecute = false }); p.StandardInput.WriteLine("child"); p.StandardInput.Close(); Console.Write(p.StandardOutput.ReadToEnd()); p.WaitForExit(); Console.WriteLine(p.ExitCode + " " + Caught(() => Process.Start(new ProcessStartInfo("/no/such") { UseShellExecute = false })));
        double d = 0; decimal m = 1; var r = new Random(1); for (int i = 1; i < 1000; i++) { d += Math.Sqrt(i) + 1.0 / i + r.NextDouble(); m += 1m / i; } Console.WriteLine("{0:R} {1} {2} {3} {4}", d, m, -7 / 2, -7 % 3, unchecked((int)4000000000u)); var table = new Dictionary<string, int>(); for (int i = 0; i < 50000; i++) table["k" + i % 777] = i; Console.WriteLine(table.Values.Sum() + " " + new string('x', 1000).GetType() + " " + Encoding.UTF8.GetBytes("äö€").Length + " " + BitConverter.ToString(System.Security.Cryptography.SHA256.Create().ComputeHash(new byte[100000])));
        File.WriteAllText("t", "one\ntwo\n"); Console.WriteLine(File.ReadAllLines("t").Length + " " + Caught(() => File.ReadAllText("none")) + " " + Directory.GetFiles(".", "t").Length); AppDomain.CurrentDomain.ProcessExit += (s, e) => Console.WriteLine("exit"); return 8;
    }
}
END
mcs -nowarn:0219,0649 a.cs; echo $?; for o in '' -O=-all --optimize=all; do mono $o a.exe; echo "mono $o: $?"; done; echo 'class X { static void Main() { throw new System.Exception("thrown"); } }' > b.cs; mcs b.cs; mono b.exe 2> log; echo $?; grep -c thrown log
