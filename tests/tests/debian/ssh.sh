# packages: openssh-client openssh-server
# OpenSSH: keys, signatures, an agent, a server with a session and a copy.
export LC_ALL=C; d=$PWD; chmod 755 .
for k in 'rsa -b 2048' ed25519 'ecdsa -b 256' 'ecdsa -b 521'; do f=key${k//[^a-z0-9]/}; ssh-keygen -q -t $k -N '' -C case -f "$f"; ssh-keygen -y -f "$f" | cmp - "$f.pub" && echo "$k"; ssh-keygen -l -f "$f.pub" | cut -d' ' -f1,3,4; echo data | ssh-keygen -q -Y sign -n file -f "$f" > sig 2> err; echo "me $(cat "$f.pub")" > allowed; echo data | ssh-keygen -Y verify -f allowed -I me -n file -s sig | sed 's/SHA256.*//'; echo other | ssh-keygen -Y verify -f allowed -I me -n file -s sig 2> /dev/null; echo $?; done
ssh-keygen -q -p -P '' -N phrase -f keyed25519; ssh-keygen -y -P phrase -f keyed25519 | cmp - keyed25519.pub; ssh-keygen -y -P wrong -f keyed25519 2>&1 | sed 's/".*"//'; ssh-keygen -q -p -P phrase -N '' -f keyed25519
eval "$(ssh-agent -s)" > /dev/null; ssh-add -q keyed25519 keyrsab2048; ssh-add -l | cut -d' ' -f1,4; ssh-add -T keyed25519.pub; echo $?; ssh-add -qd keyrsab2048; ssh-add -l | wc -l
ssh-keygen -q -s keyrsab2048 -I id -n root -V +1h keyed25519.pub; ssh-keygen -L -f keyed25519-cert.pub | grep -E 'Type|Key ID|root'; rm keyed25519-cert.pub
mkdir -p /run/sshd /root/.ssh; cat keyed25519.pub > /root/.ssh/authorized_keys; chmod 700 /root/.ssh; cat > conf <<END
Port 12222
ListenAddress 127.0.0.1
HostKey $d/keyecdsab256
HostKey $d/keyrsab2048
PidFile $d/pid
UsePAM no
StrictModes no
Subsystem sftp internal-sftp
END
$(command -v sshd) -f conf -E log; for i in $(seq 100); do ssh-keyscan -p 12222 127.0.0.1 2> /dev/null | grep -q . && break; sleep 0.1; done
o="-o StrictHostKeyChecking=no -o UserKnownHostsFile=known -o LogLevel=ERROR -i keyed25519"; ssh $o -p 12222 root@127.0.0.1 'id -u; echo "in a session"; exit 5'; echo $?
for c in aes128-ctr aes256-gcm@openssh.com chacha20-poly1305@openssh.com; do for x in curve25519-sha256 ecdh-sha2-nistp521 sntrup761x25519-sha512@openssh.com; do seq 30000 | ssh $o -c $c -o KexAlgorithms=$x -p 12222 root@127.0.0.1 sha256sum; done; done
ssh $o -tt -p 12222 root@127.0.0.1 'tty > /dev/null && stty size' < /dev/null; seq 50000 > sent; scp -q $o -P 12222 sent root@127.0.0.1:$d/copied; cmp sent copied && echo copied; echo "get $d/sent $d/gotten" | sftp -q -b - $o -P 12222 root@127.0.0.1 > /dev/null; cmp sent gotten && echo gotten
ssh $o -i keyecdsab521 -o IdentitiesOnly=yes -o IdentityAgent=none -i keyecdsab521 -o PreferredAuthentications=publickey -F /dev/null -p 12222 root@127.0.0.1 true < /dev/null; echo $?; kill "$(cat pid)"; ssh-agent -k > /dev/null; echo done
