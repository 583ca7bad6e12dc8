//! Docker's options and verbs that there are not here, and why: refused by name, and never
//! passed over.

const CGROUPS: &str = "limits need control groups, which a user without a daemon does not have; set them outside, as with systemd-run --user --scope -p MemoryMax=1G";
const NETWORK: &str = "there is the machine's network or none; a server in the container listens on the machine's own ports";
const DAEMON: &str =
    "there is no daemon: a container lives as long as 'armistice run', and is removed with it";
const RIGHTS: &str = "a container has docker's usual capabilities within its user namespace, and no more or fewer can be had yet";
const WINDOWS: &str = "that is of Windows";
const NOT_YET: &str = "this is not done yet";
const STORE: &str = "there are no named volumes, only files and folders: -v /SRC:/DST";

/// Each option of `docker run` that `run` does not have, and why it is refused.
const REFUSED: &[(&str, &str)] = &[
    ("-p", NETWORK),
    ("--publish", NETWORK),
    ("-P", NETWORK),
    ("--publish-all", NETWORK),
    ("--expose", NETWORK),
    ("--ip", NETWORK),
    ("--ip6", NETWORK),
    ("--link", NETWORK),
    ("--link-local-ip", NETWORK),
    ("--mac-address", NETWORK),
    ("--network-alias", NETWORK),
    ("--dns", NOT_YET),
    ("--dns-search", NOT_YET),
    ("--dns-option", NOT_YET),
    ("-d", DAEMON),
    ("--detach", DAEMON),
    ("--detach-keys", DAEMON),
    ("--restart", DAEMON),
    ("--name", DAEMON),
    ("--cidfile", DAEMON),
    ("-l", DAEMON),
    ("--label", DAEMON),
    ("--label-file", DAEMON),
    ("--log-driver", DAEMON),
    ("--log-opt", DAEMON),
    ("--stop-signal", DAEMON),
    ("--stop-timeout", DAEMON),
    ("--health-cmd", DAEMON),
    ("--health-interval", DAEMON),
    ("--health-retries", DAEMON),
    ("--health-timeout", DAEMON),
    ("--health-start-interval", DAEMON),
    ("--health-start-period", DAEMON),
    ("--annotation", DAEMON),
    ("--use-api-socket", DAEMON),
    ("--no-healthcheck", DAEMON),
    ("-m", CGROUPS),
    ("--memory", CGROUPS),
    ("--memory-swap", CGROUPS),
    ("--memory-reservation", CGROUPS),
    ("-c", CGROUPS),
    ("--cpus", CGROUPS),
    ("--cpu-shares", CGROUPS),
    ("--cpu-quota", CGROUPS),
    ("--cpu-period", CGROUPS),
    ("--cpuset-cpus", CGROUPS),
    ("--cpuset-mems", CGROUPS),
    ("--blkio-weight", CGROUPS),
    ("--pids-limit", CGROUPS),
    ("--blkio-weight-device", CGROUPS),
    ("--cpu-rt-period", CGROUPS),
    ("--cpu-rt-runtime", CGROUPS),
    ("--device-cgroup-rule", CGROUPS),
    ("--device-read-bps", CGROUPS),
    ("--device-read-iops", CGROUPS),
    ("--device-write-bps", CGROUPS),
    ("--device-write-iops", CGROUPS),
    ("--kernel-memory", CGROUPS),
    ("--memory-swappiness", CGROUPS),
    ("--oom-kill-disable", CGROUPS),
    (
        "--oom-score-adj",
        "it is this shell's; set it there with choom",
    ),
    ("--cpu-count", WINDOWS),
    ("--cpu-percent", WINDOWS),
    ("--io-maxbandwidth", WINDOWS),
    ("--io-maxiops", WINDOWS),
    ("--cgroup-parent", CGROUPS),
    ("--cgroupns", CGROUPS),
    ("--privileged", RIGHTS),
    ("--cap-add", RIGHTS),
    ("--cap-drop", RIGHTS),
    ("--security-opt", RIGHTS),
    ("--device", RIGHTS),
    ("--gpus", RIGHTS),
    ("--group-add", NOT_YET),
    ("--mount", "write it as -v SRC:DST[:ro] or --tmpfs DST"),
    ("--volumes-from", STORE),
    ("--volume-driver", STORE),
    (
        "--storage-opt",
        "what a container writes is on the store's disk, without a limit of its own",
    ),
    (
        "--disable-content-trust",
        "signatures are not looked at; name an image by its digest",
    ),
    (
        "--ulimit",
        "limits are this shell's; set them there with ulimit",
    ),
    (
        "--sysctl",
        "a container does not change the kernel's settings",
    ),
    ("--shm-size", NOT_YET),
    ("--sig-proxy", "signals are always handed on"),
    ("-a", "standard streams are always the container's"),
    ("--attach", "standard streams are always the container's"),
    ("--ipc", NOT_YET),
    ("--pid", NOT_YET),
    ("--uts", NOT_YET),
    ("--userns", NOT_YET),
    ("--isolation", WINDOWS),
    ("--runtime", "there is no other runtime than Armistice"),
    ("--domainname", NOT_YET),
    (
        "--rootfs",
        "a root folder is named in the place of the image, as ./DIR or /DIR",
    ),
];

const NO_DAEMON: &str =
    "there is no daemon: a container is a process of who ran 'armistice run', and ends with it";
const NO_BUILD: &str = "build with Docker, Podman or Buildah, for which 'armistice register' makes arm64 run; then 'armistice run ARCHIVE'";
const NO_PUSH: &str = "push with docker, podman or skopeo";

/// Verbs of docker's and podman's, and what there is instead.
const VERBS: &[(&str, &str)] = &[
    (
        "ps",
        "there is no daemon: 'ps' and 'pgrep -af armistice' show what runs",
    ),
    ("exec", "start both with one 'armistice run'"),
    ("start", NO_DAEMON),
    ("stop", NO_DAEMON),
    ("kill", NO_DAEMON),
    ("rm", NO_DAEMON),
    ("create", NO_DAEMON),
    ("logs", NO_DAEMON),
    ("attach", NO_DAEMON),
    ("wait", NO_DAEMON),
    ("build", NO_BUILD),
    ("buildx", NO_BUILD),
    ("commit", NO_BUILD),
    (
        "load",
        "armistice pull ARCHIVE; or at once: armistice run ARCHIVE",
    ),
    (
        "import",
        "armistice pull --name NAME ROOTFS.tar; or at once: armistice run ROOTFS.tar",
    ),
    (
        "tag",
        "a name is given as an image comes: armistice pull --name NAME IMAGE",
    ),
    (
        "login",
        "log in with docker or podman, whose logins are used, or name a file: armistice pull --authfile FILE IMAGE",
    ),
    (
        "logout",
        "the logins are docker's and podman's: log out with these",
    ),
    ("push", NO_PUSH),
    ("save", NO_PUSH),
    (
        "inspect",
        "armistice explain IMAGE, or armistice images -o json",
    ),
    ("ls", "armistice images"),
    ("list", "armistice images"),
    ("rmi", "armistice rmi IMAGE"),
    ("pull", "armistice pull IMAGE"),
    ("system", "armistice prune"),
    ("volume", STORE),
    ("network", NETWORK),
];

/// What there is instead of a verb of docker's; `None` where it is none.
pub(crate) fn instead(verb: &str) -> Option<String> {
    let (verb, instead) = VERBS.iter().find(|(refused, _)| *refused == verb)?;
    Some(format!("there is no verb {verb} here: {instead}"))
}

/// Why an option of docker's is refused; `None` where it is none.
pub(crate) fn why(flag: &str) -> Option<String> {
    let name = flag.split('=').next().unwrap_or(flag);
    let (name, why) = REFUSED.iter().find(|(refused, _)| *refused == name)?;
    Some(format!("run has no {name}: {why}"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn dockers_verbs_lead_to_those_that_there_are() {
        let cli = crate::cli::Cli::command();
        let elsewhere = ["rmi", "pull"];
        for (verb, instead) in VERBS {
            let there = cli.find_subcommand(verb).is_some();
            assert_eq!(there, elsewhere.contains(verb), "{verb}");
            if let Some(named) = instead.strip_prefix("armistice ") {
                let named = named.split(' ').next().unwrap_or_default();
                assert!(cli.find_subcommand(named).is_some(), "{verb}: {named}");
            }
        }
        assert_eq!(instead("frob"), None);
    }

    #[test]
    fn what_is_refused_is_not_there() {
        let cli = crate::cli::Cli::command();
        let run = cli.find_subcommand("run").expect("run");
        for (flag, _) in REFUSED {
            let there = run
                .get_arguments()
                .any(|arg| match flag.strip_prefix("--") {
                    Some(long) => arg.get_long() == Some(long),
                    None => arg.get_short() == flag.chars().nth(1),
                });
            assert!(!there, "{flag}");
        }
        assert_eq!(why("--nothing"), None);
        assert!(why("--memory=1g").is_some_and(|why| why.contains("--memory")));
    }
}
