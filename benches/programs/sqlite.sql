create table numbers (id integer primary key, value integer, name text);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 150000)
insert into numbers select i, (i * 7919) % 100003, 'name ' || (i % 1000) from n;
create index by_name on numbers (name);
select count(*), sum(value) from numbers where name like 'name 7%';
select name, count(*), avg(value) from numbers group by name order by 3 desc limit 3;
update numbers set value = value + 1 where id % 3 = 0;
delete from numbers where value % 5 = 0;
select count(*), sum(value) from numbers;
