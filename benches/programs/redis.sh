# A server and clients on a socket.
redis-server --port 0 --unixsocket /tmp/redis --save '' --daemonize yes --logfile /tmp/redis.log > /dev/null
until redis-cli -s /tmp/redis ping > /dev/null 2>&1; do sleep 0.02; done
redis-benchmark -s /tmp/redis -q -n 20000 -c 20 -P 4 -t set,get,lpush > /dev/null
redis-cli -s /tmp/redis --raw llen mylist
redis-cli -s /tmp/redis shutdown nosave
