//! Promise: in a container of `armistice run` some system calls are refused whatever way
//! they are made, and by programs of all architectures; all others are the kernel's.

use std::fs;
use std::path::Path;
use std::process::Command;

use e2e::run_place::{EVERYBODY, Place, Who};
use e2e::{need, run};

/// Tries calls, and prints the name of each that is not refused.
const CALLS: &str = r#"
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static void refused(const char *name, long number) {
    errno = 0;
    if (syscall(number, 0, 0, 0, 0, 0) != -1 || errno != EPERM)
        printf("%s %d\n", name, errno);
}

int main(void) {
    refused("keyctl", SYS_keyctl);
    refused("add_key", SYS_add_key);
    refused("request_key", SYS_request_key);
    refused("bpf", SYS_bpf);
    refused("perf_event_open", SYS_perf_event_open);
    refused("mount", SYS_mount);
    refused("fsopen", 430);
    refused("fspick", 433);
#ifdef __x86_64__
    refused("userfaultfd", SYS_userfaultfd);
    refused("io_uring_setup", 425);
    refused("iopl", SYS_iopl);
    /* keyctl among i386's calls, and among x32's. */
    long number = 288;
    __asm__ volatile("int $0x80" : "+a"(number) : "b"(0), "c"(0), "d"(0) : "r8", "r9", "r10", "r11", "memory");
    if (number != -EPERM && number != -ENOSYS)
        printf("keyctl of i386 %ld\n", number);
    errno = 0;
    if (syscall(0x40000000 | SYS_keyctl, 0, 0, 0, 0, 0) != -1 || errno != ENOSYS)
        printf("keyctl of x32 %d\n", errno);
    /* getpid is nobody's business. */
    long pid = 20;
    __asm__ volatile("int $0x80" : "+a"(pid) : : "r8", "r9", "r10", "r11", "memory");
    if (pid != getpid() && pid != -ENOSYS)
        printf("getpid of i386 %ld\n", pid);
#endif
    /* Sockets to the machine around this one, and those that are anybody's. */
    errno = 0;
    if (socket(AF_VSOCK, SOCK_STREAM, 0) != -1 || errno != EPERM)
        printf("a vsock socket: %d\n", errno);
    if (socket(AF_UNIX, SOCK_STREAM, 0) < 0 || socket(AF_INET, SOCK_DGRAM, 0) < 0)
        printf("no socket: %d\n", errno);
    errno = 0;
    if (syscall(0xfffffff0) != -1 || errno != ENOSYS)
        printf("an unknown call: %d\n", errno);
    puts("done");
    return 0;
}
"#;

fn compile(compiler: &str, package: &str, folder: &Path) -> String {
    let source = folder.join("calls.c");
    fs::write(&source, CALLS).expect("the test's own files");
    let program = folder.join(format!("calls-{compiler}"));
    run(Command::new(need::program(compiler, package))
        .args(["-O1", "-static", "-o"])
        .args([&program, &source]))
    .ok();
    program.display().to_string()
}

#[test]
fn dangerous_calls_are_refused() {
    let folder = e2e::temporary();
    run(Command::new("chmod").arg("755").arg(folder.path())).ok();
    let programs = [
        compile("gcc", "gcc libc6-dev", folder.path()),
        compile(
            "aarch64-linux-gnu-gcc",
            "gcc-aarch64-linux-gnu",
            folder.path(),
        ),
    ];
    for who in EVERYBODY {
        for program in &programs {
            let mount = format!("{program}:/calls");
            Place::of(who)
                .run(&["-v", &mount], &["/calls"])
                .ok()
                .prints("done");
        }
    }
}

/// A fault once: without its filter a container went on as another.
#[test]
fn a_filter_that_cannot_be_set_is_an_error() {
    let place = Place::of(Who::User);
    // The first refuses calls, the second is for identities that are played.
    for (which, says) in [("1", "filter"), ("2", "played")] {
        let run = place.command(&["-u", "1000"], &["true"]);
        let mut strace = Command::new(need::program("strace", "strace"));
        strace.args(["-f", "-qq", "-o", "/dev/null", "--trace=seccomp"]);
        strace.arg(format!("--inject=seccomp:error=EPERM:when={which}"));
        strace.arg(run.get_program()).args(run.get_args());
        e2e::command::take_environment(&mut strace, &run);
        strace.current_dir(place.home());
        e2e::run(&mut strace).exits(125).says(says);
    }
}
