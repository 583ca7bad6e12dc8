# packages: nginx-light curl
# nginx: files, ranges, compression, connections that are kept, a proxy with a
# cache, reloading, reopening, exchanging the program, ending with grace.
export LC_ALL=C; P=18080; chmod 755 .; mkdir w logs; d=$PWD
seq 100000 > w/numbers; seq 3000 | sed 's/^/some text /' > w/page.html; head -c 3000000 /dev/zero > w/zeros; echo once > w/a; touch -d @1000000000 w/*; mkdir w/list; touch -d @1000000000 w/list/{a,b}
conf() { cat > nginx.conf <<END
user www-data; worker_processes 2; pid $d/pid; error_log $d/logs/error notice; worker_shutdown_timeout 30s;
events { worker_connections 256; }
http {
    types { text/html html; } default_type text/plain; access_log $d/logs/access; sendfile on; tcp_nopush on; aio threads; open_file_cache max=100;
    client_body_temp_path $d/t1; proxy_temp_path $d/t2; fastcgi_temp_path $d/t3; uwsgi_temp_path $d/t4; scgi_temp_path $d/t5;
    gzip on; gzip_types text/plain; proxy_cache_path $d/cache keys_zone=z:1m; limit_req_zone \$uri zone=r:1m rate=1r/m;
    upstream self { server 127.0.0.1:$P; keepalive 4; }
    server { listen 127.0.0.1:$P; root $d/w; etag on; server_tokens off;
        location = /hello { return 200 "$1\n"; } location /list/ { autoindex on; autoindex_format json; } location /old { rewrite ^ /hello permanent; }
        location /slow { alias $d/w; limit_rate 500k; } location /up/ { proxy_pass http://self/; proxy_http_version 1.1; proxy_set_header Connection ''; proxy_cache z; proxy_cache_valid 200 1m; add_header X-Cache \$upstream_cache_status; }
        location /auth { allow 10.0.0.0/8; deny all; } location /once { limit_req zone=r; alias $d/w/a; } location ~ ^/echo/(\w+)\$ { return 200 "\$1 \$request_method \$arg_q\n"; } error_page 404 /hello; }
}
END
}
conf first; nginx -c $d/nginx.conf -t 2>&1 | grep -c successful; /usr/sbin/nginx -c $d/nginx.conf; echo $?; u=http://127.0.0.1:$P; for i in $(seq 100); do curl -s $u/hello > /dev/null && break; sleep 0.1; done
curl -s $u/hello; curl -s $u/numbers | sha1sum; curl -s -H 'Accept-Encoding: gzip' $u/page.html | gunzip | cmp - w/page.html && echo gunzipped; curl -s --compressed $u/numbers | cmp - w/numbers && echo compressed; curl -sI $u/numbers | tr -d '\r' | grep -v Date; curl -s -r 100-119 $u/numbers; curl -s -r 0-3,10-13 $u/numbers | grep -c Content-Range; curl -s -o x -w '%{http_code}\n' -r 99999999- $u/numbers; curl -s -H 'If-Modified-Since: Sun, 09 Sep 2001 01:46:40 GMT' -o x -w '%{http_code} %{size_download}\n' $u/numbers
curl -s -o x -w '%{http_code} %{num_connects}\n' $u/hello -o x $u/none -o x $u/auth -o x $u/old -o x $u/list/ -o x $u/up/numbers; curl -s $u/list/; curl -s -XPUT "$u/echo/word?q=5"; curl -sL $u/old; for i in 1 2 3; do curl -sI $u/up/page.html | tr -d '\r' | grep X-Cache; done; for i in 1 2 3; do curl -s -o x -w '%{http_code} ' $u/once; done; echo; curl -s --data-binary @w/zeros -o x -w '%{http_code}\n' $u/hello; printf 'GET / HTTP/1.1\r\nnonsense\r\n\r\n' | curl -s --max-time 10 telnet://127.0.0.1:$P | head -1; curl -s -o x -w '%{http_code}\n' --http2-prior-knowledge $u/hello; ls cache | wc -l
seq 300 | xargs -P 12 -n 10 sh -c 'for i; do echo '$u'/numbers; done | xargs curl -s | sha1sum' x | sort | uniq -c
# A reload: new workers answer, the old ones finish what they do.
curl -s $u/slow/zeros | sha1sum > slow & slow=$!; sleep 0.3; old=$(pgrep -P "$(cat pid)" 2> /dev/null | sort); conf second; kill -HUP "$(cat pid)"; for i in $(seq 200); do [ "$(curl -s $u/hello)" = second ] && break; sleep 0.05; done; curl -s $u/hello; wait $slow; sha1sum < w/zeros | cmp - slow && echo 'finished in the old worker'
mv logs/access logs/rotated; kill -USR1 "$(cat pid)"; for i in $(seq 100); do [ -e logs/access ] && break; sleep 0.05; done; curl -s $u/hello; for i in $(seq 100); do [ "$(grep -c hello logs/access)" = 1 ] && break; sleep 0.05; done; grep -c hello logs/access; cut -d'"' -f2-3 logs/rotated | sort | uniq -c | grep -v hello
kill -9 "$(pgrep -P "$(cat pid)" | head -1)"; for i in $(seq 200); do grep -q 'exited on signal 9' logs/error && break; sleep 0.05; done; grep -o 'exited on signal 9' logs/error; for i in 1 2 3 4; do curl -s --retry 3 --retry-connrefused $u/hello; done
# Another program takes over the sockets; the old one ends.
first=$(cat pid); kill -USR2 "$first"; for i in $(seq 200); do [ -e pid.oldbin ] && [ -e pid ] && [ "$(cat pid)" != "$first" ] && break; sleep 0.05; done; kill -WINCH "$first"; sleep 0.3; curl -s $u/hello; curl -s $u/slow/zeros | sha1sum > slow & slow=$!; sleep 0.2; kill -QUIT "$first"; for i in $(seq 200); do kill -0 "$first" 2> /dev/null || break; sleep 0.05; done; [ -e pid.oldbin ] || echo 'the old one is gone'; curl -s $u/hello; nginx -c $d/nginx.conf -s quit 2> err; wait $slow; sha1sum < w/zeros | cmp - slow && echo 'finished before the end'; for i in $(seq 200); do [ -e pid ] || break; sleep 0.05; done; curl -s $u/hello; echo $?; grep -cE 'alert|emerg' logs/error
