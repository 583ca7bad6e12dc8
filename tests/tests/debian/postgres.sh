# packages: postgresql postgresql-contrib
# PostgreSQL: a cluster is made, benchmarked, asked by several processes at once
# and by compiled queries, killed, recovered, copied, followed by a standby.
export LC_ALL=C; chmod 777 .; cat > as-postgres.sh <<'END'
export LC_ALL=C PGDATA=$PWD/data PGHOST=$PWD PGDATABASE=postgres PGTZ=UTC; PATH=$(echo /usr/lib/postgresql/*/bin):$PATH; q() { psql -X -A -t -q "$@" 2>&1; }; ready() { for i in $(seq 300); do [ "$(psql -X -A -t -c 'select 1' 2> /dev/null)" = 1 ] && return; sleep 0.1; done; echo 'not ready'; tail log; }
initdb -A trust --no-locale -E UTF8 --data-checksums > log; echo $?; cat >> data/postgresql.conf <<C
listen_addresses = ''
unix_socket_directories = '$PWD'
fsync = off
logging_collector = off
max_worker_processes = 8
deadlock_timeout = 100ms
C
pg_ctl -w -l log start > out; echo $?; pgbench -q -i -s 1 > out 2>&1; echo $?; pgbench -n -c 4 -j 2 -t 60 > out 2>&1; echo $?; grep -o 'processed: .*' out; pgbench -n -S -M prepared -c 4 -j 2 -t 150 > out 2>&1; grep -o 'processed: .*' out; q -c 'select sum(abalance) - (select sum(bbalance) from pgbench_branches), count(*), (select count(*) from pgbench_history) from pgbench_accounts'
q <<'SQL' | sed 's/with PID .*//'
\set VERBOSITY terse
create table t(id serial primary key, a int, b text, c double precision, d numeric, j jsonb, r int4range);
insert into t(a, b, c, d, j, r) select n * 7919 % 10007, 'row ' || n % 100 || md5(n::text), n / 7.0, n / 7.0::numeric, jsonb_build_object('k', n % 13, 'l', array[n, n + 1]), int4range(n, n + 10) from generate_series(1, 20000) n;
create index on t(a); create index on t using hash(b); create index on t using gin(j); create index on t using gist(r); create index on t using brin(id); create index on t(lower(b)) where a > 5000; analyze t;
select count(*), sum(a), round(sum(c)::numeric, 6), round(sum(d), 10), min(b), max(b) from t; select id from t where r @> 777 order by id limit 3; select count(*) from t where j @> '{"k": 5}'; explain (costs off) select * from t where a = 5;
select a % 5, count(*), string_agg(left(b, 6), ',' order by id) filter (where id < 20) from t group by 1 order by 1; select id, sum(a) over (order by id rows 2 preceding), rank() over (order by a) from t order by id limit 3;
with recursive f(n, a, b) as (values(1, 0::numeric, 1::numeric) union all select n + 1, b, a + b from f where n < 150) select max(b) from f; select sqrt(2::numeric), 2::float8 ^ 0.5, exp(1), 0.1 + 0.2, 1e308::float8 * 10; select 1 / 0; select 'infinity'::float8 - 'infinity', 9223372036854775807 + 1;
select regexp_replace('some words here', '(\w)(\w+)', '\2\1', 'g'), to_tsvector('english', 'The quick foxes jumped') @@ to_tsquery('fox & jump'), date_trunc('week', timestamp '2001-09-09 01:46:40') + interval '1 month 3 days', sha256('x'), convert_from(decode('c3a4', 'hex'), 'UTF8'), upper('ab'), md5(string_agg(b, '' order by id)) from t;
create extension pgcrypto; select encode(digest('x', 'sha512'), 'hex'), encode(hmac('a', 'b', 'md5'), 'hex'), crypt('p', '$2a$05$abcdefghijklmnopqrstuu'); create extension pg_trgm; select round(similarity('word', 'two words')::numeric, 4);
create function fib(n int) returns int language plpgsql as $$ begin if n < 2 then return n; end if; return fib(n - 1) + fib(n - 2); end $$; select fib(16); create function fail() returns text language plpgsql as $$ begin perform 1 / 0; exception when division_by_zero then return 'caught ' || sqlstate; end $$; select fail(); create function deep(n int) returns int language sql as $$ select deep(n + 1) $$; select deep(0);
create table log(x text); create function logged() returns trigger language plpgsql as $$ begin insert into log values(tg_op || coalesce(new.id, old.id)); return null; end $$; create trigger l after insert or update or delete on t for each row execute function logged(); begin; update t set a = a + 1 where id <= 3; savepoint s; delete from t where id = 4; rollback to s; insert into t(a) values(1); commit; select * from log;
-- Several processes share the work.
set max_parallel_workers_per_gather = 3; set parallel_setup_cost = 0; set parallel_tuple_cost = 0; set min_parallel_table_scan_size = 0; explain (costs off) select count(*), sum(a) from t where c > 10; select count(*), sum(a), max(b) from t where c > 10; select count(*) from t x join t y using (a) where x.id <> y.id; select a from t group by a order by count(*) desc, a limit 2;
set enable_hashjoin = off; select count(*) from t x join t y on x.id = y.a; set work_mem = '64kB'; select md5(string_agg(b, ',')) from (select b from t order by b desc) s; reset all;
-- Queries are compiled, where the package brings LLVM.
set jit = on; set jit_above_cost = 0; set jit_inline_above_cost = 0; set jit_optimize_above_cost = 0; select sum(a * 2 + length(b)), count(*) filter (where c > 100 and d < 2000) from t; select a % 3, round(avg(c)::numeric, 5), max(j ->> 'k') from t group by 1 order by 1; set max_parallel_workers_per_gather = 2; set parallel_setup_cost = 0; set parallel_tuple_cost = 0; set min_parallel_table_scan_size = 0; select sum(a * 3), min(d) from t; reset all;
set statement_timeout = 150; select pg_sleep(60); select count(*) from generate_series(1, 1000000000); reset statement_timeout; listen ch; notify ch, 'message'; \copy (select id, b from t order by id limit 2) to stdout csv
vacuum full t; reindex table concurrently t; cluster t using t_pkey; select count(*) from t;
SQL
# A deadlock: one of the two is ended.
for w in '1 2' '2 1'; do set -- $w; q -c "begin; update t set a = a where id = $1; select pg_advisory_lock($1); do 'begin while (select count(*) from pg_locks where locktype = \$\$advisory\$\$) < 2 loop perform pg_sleep(0.01); end loop; end'; update t set a = a where id = $2; commit" > dead.$1 & done; wait %1 %2; cat dead.1 dead.2 | grep -c 'deadlock detected'; q -c 'select pg_sleep(100)' > cancelled & for i in $(seq 100); do [ "$(q -c "select count(pg_cancel_backend(pid)) from pg_stat_activity where query like 'select pg_sleep(100)%' and pid <> pg_backend_pid()")" = 1 ] && break; sleep 0.1; done; wait $!; cat cancelled
# A backend is killed: all others end, and the server recovers.
q -c 'create table kept as select generate_series(1, 5000) x'; (echo 'begin; insert into kept values(0); select pg_sleep(100);' | q > killed) & for i in $(seq 100); do b=$(q -c "select pid from pg_stat_activity where query like 'select pg_sleep(100)%' and state = 'active'" | head -1); [ -n "$b" ] && break; sleep 0.1; done; kill -9 "$b"; wait $!; tail -1 killed; sleep 0.5; ready; q -c 'select count(*), min(x) from kept'; grep -c 'terminated by signal 9' log; grep -c 'automatic recovery in progress' log
pgbench -n -c 3 -t 100000 > out 2>&1 & bench=$!; sleep 1; pg_ctl -w -m immediate stop > out2; echo $?; wait $bench; pg_ctl -w -l log start > out; echo $?; q -c 'select sum(abalance) = (select sum(bbalance) from pgbench_branches), sum(abalance) = (select sum(tbalance) from pgbench_tellers) from pgbench_accounts'; q -c 'select sum(x) from kept'; pg_amcheck -a --heapallindexed > out 2>&1; echo $?
# Copies: a dump, a base backup that follows as a standby and takes over.
pg_dump -t kept -t t > dump.sql; createdb copy; psql -q -X copy -c 'create extension pg_trgm' -f <(sed '/^CREATE TRIGGER/d' dump.sql) > out 2>&1; q copy -c 'select sum(x), (select md5(string_agg(b, $$$$ order by id)) from t) from kept'; pg_dump -Fd -j 3 -f dumped && pg_restore -l dumped | grep -c 'TABLE DATA'
pg_basebackup -D standby -R -c fast -X stream; echo $?; mkdir -m 700 s2; (echo "unix_socket_directories = '$PWD/s2'") >> standby/postgresql.conf; pg_ctl -D standby -w -l log2 start > out; echo $?; q -c 'insert into kept values(12345678)'; for i in $(seq 200); do [ "$(q -h "$PWD/s2" -c 'select max(x) from kept')" = 12345678 ] && break; sleep 0.1; done; q -h "$PWD/s2" -c 'select max(x), pg_is_in_recovery() from kept' -c 'delete from kept'; pg_ctl -D standby -w promote > out; q -h "$PWD/s2" -c 'select pg_is_in_recovery()' -c 'delete from kept where x > 10' -c 'select count(*) from kept'; pg_ctl -D standby -w -m fast stop > out; echo $?
pg_ctl reload > out; q -c 'checkpoint'; pg_ctl -w -m smart stop > out; echo $?; pg_controldata | grep 'cluster state'; pg_checksums --check | grep -c 'Bad checksums:  0'; echo 'select sum(x) from kept' | postgres --single postgres 2> err | grep -o '"[0-9]*"'; pg_resetwal -f data > out; echo $?; psql -X -c 'select 1' 2>&1 | sed 's/".*"/X/'
END
su postgres -c 'bash as-postgres.sh'; echo $?
