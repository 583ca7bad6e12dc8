# packages: git
# Git: a history is made, branched, merged, packed, cloned, checked.
export LC_ALL=C GIT_AUTHOR_DATE='2001-01-01 00:00:00 +0000' GIT_COMMITTER_DATE='2001-01-01 00:00:00 +0000' HOME=$PWD GIT_PAGER=cat
git config --global user.name Nobody; git config --global user.email nobody@example.org; git config --global init.defaultBranch main; git config --global protocol.file.allow always
git init -q one; cd one
for n in $(seq 40); do mkdir -p d$((n % 7)); seq "$n" "$((n * 50))" > "d$((n % 7))/f$n"; git add . ; git commit -qm "commit $n"; done
git log --oneline | head -3; git rev-parse HEAD HEAD^{tree} HEAD~20; git status --short; git log --stat -1
git checkout -qb side HEAD~10; seq 7 > side; git add side; git commit -qm side; git mv side moved; echo more >> d1/f1; git commit -qam 'moved and more'; git diff HEAD^ --stat -M
git checkout -q main; git merge -q side -m merged; git log --graph --oneline | head -5; git rev-parse HEAD
echo ours > moved; git commit -qam ours; git checkout -q side; echo theirs > moved; git commit -qam theirs; git merge main 2>&1 | tail -2; git status --short; git diff | tail -n +3; git checkout --ours moved; git commit -qam 'ours won'; git rev-parse HEAD
git checkout -q main; git rebase -q side; git cherry-pick -n HEAD~3 2>&1 | head -1; git stash -q 2>&1; git stash list | cut -c1-20; git stash drop -q; git tag -a v1 -m tagged; git describe; git cat-file -p v1
git gc -q --aggressive --prune=now; git count-objects | cut -d, -f1; git fsck --full --strict 2>&1; git verify-pack -v .git/objects/pack/*.idx | grep -c commit; git repack -adfq --threads=2; git fsck
git blame d1/f1 | tail -1; git grep -c 49 | sort | head -4; git bisect start -q HEAD HEAD~12 > /dev/null; git bisect run sh -c 'test ! -e d4/f32' | grep 'first bad commit' ; git bisect reset -q 2> /dev/null
git format-patch -q -2 --stdout HEAD~4 | sha256sum; git archive HEAD | sha256sum; git bundle create -q ../b HEAD main; git bundle verify -q ../b && echo bundled
cd ..; git clone -q one two 2>&1; git clone -q --bare --depth 3 file://$PWD/one three; git -C two log --oneline | sha1sum; git -C three rev-list --count HEAD; git -C two fsck; diff -r one two -x .git && echo 'the same'
cd two; git checkout -q -b push; echo pushed > pushed; git add .; git commit -qm pushed; git push -q origin push; git -C ../one rev-parse push; git submodule --quiet add ../one sub 2>&1; git submodule status | cut -c2-41; git worktree add -q ../tree v1; ls ../tree
printf '#!/bin/sh\necho hook >&2; exit 1\n' > .git/hooks/pre-commit; chmod +x .git/hooks/pre-commit; git commit -qm refused; echo $?; git hash-object --stdin <<< x; git rev-parse nothing 2>&1 | head -1
git daemon --base-path=.. --export-all --listen=127.0.0.1 --port=19418 --reuseaddr --pid-file=../pid --detach; for i in $(seq 50); do git ls-remote -q git://127.0.0.1:19418/one main && break; sleep 0.1; done 2> /dev/null; git clone -q git://127.0.0.1:19418/one ../four && git -C ../four fsck; kill "$(cat ../pid)"
