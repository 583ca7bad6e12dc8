//! What a root folder's programs are to do, so that it is known what of them runs: a table
//! of programs, each with a line for the shell, and the script that is made of it.
//!
//! Lines begin in an empty folder that has `small.c` and `text`, and their output goes nowhere.
//! What a root folder has not, or what fails, is passed over.

/// A program, and what it is to do.
struct Lesson {
    /// Without it there is nothing to do.
    program: &'static str,
    line: &'static str,
}

const fn lesson(program: &'static str, line: &'static str) -> Lesson {
    Lesson { program, line }
}

const LESSONS: &[Lesson] = &[
    lesson("true", "/bin/true"),
    lesson(
        "dash",
        "dash -c 'for a in 1 2 3; do case $a in 2) echo $((a + 1));; esac; done; f() { echo \"$@\"; }; f x | cat'",
    ),
    lesson(
        "bash",
        "bash -c 'a=(1 2 3); for i in \"${a[@]}\"; do [[ $i =~ 2 ]] && echo \"${i/2/3}\" $((i * 2)); done; read -r x < text; printf %s \"$x\" | cat'; \
         bash -l -c :",
    ),
    lesson(
        "busybox",
        "busybox sh -c 'echo $((1 + 2)); ls | cat'; busybox ls -l /",
    ),
    lesson("ls", "ls; ls -l /etc; ls -la /usr/lib"),
    lesson("cat", "cat text; cat < text"),
    lesson(
        "cp",
        "cp -a text copy; mv copy other; ln -s other link; rm -rf other link",
    ),
    lesson(
        "mkdir",
        "mkdir -p a/b/c; chmod -R 755 a; touch a/b/f; rmdir a/b/c; rm -r a",
    ),
    lesson(
        "install",
        "install -m 644 text copy; chown 0:0 copy; stat copy; readlink -f copy",
    ),
    lesson(
        "sort",
        "sort text; sort -u text | uniq -c | sort -rn; cut -d ' ' -f 1 text; head -n 2 text; tail -n 2 text; wc text; tr a-z A-Z < text; tee copy < text",
    ),
    lesson(
        "sha256sum",
        "sha256sum text; md5sum text; cksum text; base64 text",
    ),
    lesson(
        "env",
        "env; id; uname -a; date; basename /a/b; dirname /a/b; expr 1 + 2; seq 10; printf '%d\\n' 5; test -f text; sleep 0",
    ),
    lesson(
        "find",
        "find /etc -name '*.conf' -type f; find . -type f -exec cat {} +; ls | xargs echo",
    ),
    lesson(
        "grep",
        "grep -r line .; grep -E '^[a-z]+ [0-9]' text; grep -i LINE text | grep -v 3",
    ),
    lesson(
        "sed",
        "sed -e 's/line/row/g' -e '/3/d' text; sed -i 's/a/b/' text; sed -n '2,3p' text",
    ),
    lesson(
        "awk",
        "awk '{ n[$1] += $2 } END { for (k in n) print k, n[k] }' text; awk -F: '{ print $1 }' /etc/passwd",
    ),
    lesson(
        "tar",
        "tar -czf a.tgz text && tar -xzf a.tgz && tar -tf a.tgz; tar -cf - text | tar -xf -",
    ),
    lesson("gzip", "gzip -k text; gunzip -c text.gz"),
    lesson("xz", "xz -k text; xz -dc text.xz"),
    lesson("bzip2", "bzip2 -k text; bzip2 -dc text.bz2"),
    lesson("zstd", "zstd -q text; zstd -dc text.zst"),
    lesson(
        "diff",
        "diff -u text small.c; cmp text small.c; diff -u text small.c | patch --dry-run text",
    ),
    lesson(
        "dpkg",
        "dpkg --list; dpkg --print-architecture; dpkg -S /bin/sh; dpkg-query -W; dpkg --compare-versions 1.0-1 lt 1.0-2; dpkg --audit",
    ),
    lesson(
        "apt-get",
        "apt-get --version; apt-get -s install coreutils; apt-cache policy dpkg; apt-config dump",
    ),
    lesson("ldconfig", "ldconfig -p; ldconfig -N -X"),
    lesson("apk", "apk info; apk --version; apk info -W /bin/busybox"),
    lesson("rpm", "rpm -qa; rpm --version"),
    lesson(
        "perl",
        "perl -e 'my %h; while (<STDIN>) { $h{$1}++ if /(\\w+)/ } print sort keys %h' < text; perl -MPOSIX -MFile::Spec -MGetopt::Long -e 'print 1'",
    ),
    lesson(
        "python3",
        "python3 -c pass; python3 -c 'import os, re, sys, json, subprocess, collections; d = {i: str(i) for i in range(100)}; print(json.dumps(d), re.findall(\"a+\", \"aab\"), sorted(d))'; \
         python3 -m pip --version",
    ),
    lesson(
        "ruby",
        "ruby -e 'puts (1..10).map { |x| x.to_s }.join(\",\")'; gem --version",
    ),
    lesson(
        "node",
        "node -e 'console.log([1, 2, 3].map(x => x * 2), JSON.stringify({ a: 1 }))'; npm --version",
    ),
    lesson(
        "php",
        "php -r 'echo implode(\",\", array_map(fn($x) => $x * 2, [1, 2, 3]));'",
    ),
    lesson("java", "java -version"),
    lesson("javac", "javac -version"),
    lesson(
        "gcc",
        "gcc --version; gcc -c -O0 -g small.c; gcc -c -O2 -Wall small.c; gcc -O2 -fPIC -shared -o small.so small.c; gcc -O1 -o small small.c -lm && ./small; gcc -E small.c; gcc -MM small.c",
    ),
    lesson(
        "g++",
        "printf '#include <string>\\n#include <vector>\\n#include <map>\\nint main() { std::map<std::string, std::vector<int>> m; m[\"a\"].push_back(1); return m.size() - 1; }\\n' > small.cc; g++ -c -O0 -g small.cc; g++ -O2 -o large small.cc && ./large",
    ),
    lesson("clang", "clang -c -O2 small.c; clang -O1 -o small small.c"),
    lesson(
        "ar",
        "gcc -c small.c && ar rcs small.a small.o && ranlib small.a; nm small.o; strip small.o; objdump -d small.o; readelf -a small.o",
    ),
    lesson(
        "make",
        "printf 'all: a b\\na b:\\n\\t@echo $@ > $@\\n.PHONY: all\\n' > Makefile; make -j2; make -s all; make -n",
    ),
    lesson("cmake", "cmake --version"),
    lesson("pkg-config", "pkg-config --list-all"),
    lesson(
        "git",
        "git --version; git init -q r && cd r && git config user.name a && git config user.email a@b && cp ../text . && git add text && git commit -q -m a && echo b >> text && git diff && git commit -q -a -m b && git log --stat && git status && git clone -q . ../s",
    ),
    lesson(
        "go",
        "go version; go env; printf 'package main\\nfunc main() { println(1) }\\n' > a.go; GOCACHE=$PWD/c GO111MODULE=off go build a.go",
    ),
    lesson(
        "rustc",
        "rustc --version; printf 'fn main() { println!(\"{}\", 1) }' > a.rs; rustc -O a.rs && ./a",
    ),
    lesson("cargo", "cargo --version"),
    lesson(
        "openssl",
        "openssl version; openssl dgst -sha256 text; openssl enc -aes-256-ctr -k a -pbkdf2 -in text -out text.enc",
    ),
    lesson("curl", "curl --version; curl -s file://$PWD/text"),
    lesson("wget", "wget --version"),
    lesson("gpg", "gpg --version; gpg --homedir . --list-keys"),
    lesson(
        "sqlite3",
        "sqlite3 :memory: 'create table t(a, b); insert into t values(1, 2); select sum(a), b from t group by b;'",
    ),
    lesson("psql", "psql --version"),
    lesson("redis-server", "redis-server --version"),
    lesson("nginx", "nginx -v; nginx -t"),
];

/// A script for `/bin/sh`, which always ends well.
pub(super) fn script() -> String {
    let mut script = String::from(
        "exec < /dev/null > /dev/null 2>&1\n\
         export HOME=/tmp LC_ALL=C\n\
         top=$(mktemp -d) || top=/tmp/lessons.$$ && mkdir -p \"$top\" && cd \"$top\" || exit 1\n\
         n=0\n\
         within=; command -v timeout && within='timeout 60'\n\
         lesson() {\n\
         command -v \"$1\" || return 0\n\
         n=$((n + 1)); mkdir \"$top/$n\" && cd \"$top/$n\" || return 0\n\
         printf 'line 1\\nline 2\\nrow 3\\n\\nline 20 more\\n' > text\n\
         printf '#include <stdio.h>\\n#include <stdlib.h>\\n#include <string.h>\\n\
         struct s { int a; double b; };\\n\
         static int f(struct s *s, int n) { int r = 0; for (int i = 0; i < n; i++) r += s[i].a * 3 + (int)(s[i].b / 2); return r; }\\n\
         int main(int c, char **v) { struct s s[4] = {{1, 2.5}}; char t[32]; strcpy(t, v[0] ? \"x\" : \"y\"); \
         printf(\"%%s %%d\\\\n\", t, f(s, 4) + c); return 0; }\\n' > small.c\n\
         $within sh -c \"$2\"\n\
         return 0\n\
         }\n",
    );
    for lesson in LESSONS {
        script.push_str("lesson ");
        script.push_str(&quoted(lesson.program));
        script.push(' ');
        script.push_str(&quoted(lesson.line));
        script.push('\n');
    }
    script.push_str("exit 0\n");
    script
}

/// One word for a shell.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// On this machine's own programs: all lines are a shell's, and what they do ends.
    #[test]
    fn the_script_is_one() {
        let check = Command::new("sh").args(["-n", "-c", &script()]).status();
        assert!(check.unwrap().success());
        for lesson in LESSONS {
            let check = Command::new("sh").args(["-n", "-c", lesson.line]).status();
            assert!(check.unwrap().success(), "{}", lesson.program);
        }
        for (n, lesson) in LESSONS.iter().enumerate() {
            let twice = LESSONS[..n].iter().any(|l| l.program == lesson.program);
            assert!(!twice, "{}", lesson.program);
        }
    }
}
