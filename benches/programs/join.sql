create table orders (id integer primary key, customer integer, price real);
create table customers (id integer primary key, town text);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000)
insert into customers select i, 'town ' || (i % 37) from n;
with recursive n(i) as (select 1 union all select i + 1 from n where i < 100000)
insert into orders select i, (i * 31) % 2000 + 1, (i % 997) / 7.0 from n;
select town, count(*), round(sum(price), 3) from orders join customers on customer = customers.id
    group by town order by 3 desc limit 5;
with ranked as (select customer, price, row_number() over (partition by customer order by price desc, orders.id) as place
    from orders)
select round(sum(price), 3) from ranked where place <= 3;
