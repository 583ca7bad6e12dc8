# packages: sqlite3
# SQLite: tables, indexes, full-text, JSON, recursion, transactions, two writers.
sqlite3 db <<'END'
create table t(id integer primary key, a int, b text, c real);
with recursive n(x) as (values(1) union all select x + 1 from n where x < 20000) insert into t select x, x * 7919 % 10007, printf('row %05d', x * 31 % 20000), x / 7.0 from n;
create index ta on t(a); create index tb on t(b, c); analyze;
select count(*), sum(a), round(avg(c), 6), min(b), max(b) from t;
select a, count(*) from t group by a having count(*) > 1 order by 2 desc, 1 limit 3;
select t1.id, t2.id from t t1 join t t2 on t1.a = t2.a and t1.id < t2.id order by 1, 2 limit 3;
begin; delete from t where id % 3 = 0; select count(*) from t; rollback; select count(*) from t;
update t set c = -c where a < 100; select round(sum(c), 6) from t; explain query plan select * from t where a = 5 and b > 'x';
create virtual table f using fts5(body); insert into f select group_concat(b, ' ') from t group by id / 50; select count(*) from f where f match '"row 00031"';
select json_extract('{"a":[1,2,{"b":"c"}]}', '$.a[2].b'), json_group_array(id) from (select id from t limit 5);
select id, sum(a) over (order by id rows between 2 preceding and current row) from t limit 5; select hex(zeroblob(4)), quote(x'00ff'), 1 / 3.0, 9223372036854775807 + 1, 'ä' like 'Ä', upper('x'), strftime('%Y-%j', 1000000000, 'unixepoch');
create table r(a, b, primary key(a, b)) without rowid; insert into r select a % 50, id from t; select count(*) from r where a = 7; pragma integrity_check; vacuum; pragma page_count;
create virtual table rt using rtree(id, x0, x1); insert into rt select id, a, a + 10 from t; select count(*) from rt where x0 > 5000 and x1 < 5100;
select sqrt(2), round(exp(1), 12), power(2, 0.5); select nothing;
END
echo $?; sqlite3 db '.dump r' | sha256sum; sqlite3 -json db 'select id, a, b from t limit 2'; sqlite3 -csv db 'select b, c from t order by c limit 3'; sha256sum < <(sqlite3 db 'select id, a, b, round(c, 6) from t order by b')
sqlite3 db 'pragma journal_mode = wal'; for w in 1 2 3; do (for n in $(seq 30); do echo "pragma busy_timeout = 60000; insert into t(a, b) values(-$w, 'w$n');"; done | sqlite3 db > /dev/null) & done; wait; sqlite3 db 'select a, count(*) from t where a < 0 group by a; pragma integrity_check'
head -c 5000 db > cut; sqlite3 cut 'select count(*) from t' 2>&1; echo $?
