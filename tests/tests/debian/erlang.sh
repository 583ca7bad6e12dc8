# packages: erlang-base
# Erlang: processes by the thousand, modules that are replaced while they run,
# ports, sockets, two nodes.
export LC_ALL=C.UTF-8 HOME=$PWD
cat > a.erl <<'END'
-module(a). -export([main/0, fib/1, hot/1]).
fib(N) when N < 2 -> N; fib(N) -> fib(N - 1) + fib(N - 2).
hot(X) -> X + 1.
ring(0, Last) -> Last; ring(N, Next) -> ring(N - 1, spawn(fun() -> relay(Next) end)).
relay(Next) -> receive stop -> Next ! stop; N -> Next ! N + 1, relay(Next) end.
main() ->
  io:format("~p ~p ~p~n", [fib(23), lists:sum([X * X || X <- lists:seq(1, 1000), X rem 3 =:= 0]), 1 bsl 200]),
  First = ring(2000, self()), [First ! 0 || _ <- lists:seq(1, 20)], io:format("~p~n", [[receive N -> N end || _ <- lists:seq(1, 20)]]),
  Parent = self(), [spawn(fun() -> Parent ! {I, fib(15) + I} end) || I <- lists:seq(1, 300)], io:format("~p~n", [lists:sum([receive {I, R} -> R end || I <- lists:seq(1, 300)])]),
  T = ets:new(t, [public, {write_concurrency, true}]), Ws = [spawn_monitor(fun() -> [ets:update_counter(T, K rem 50, 1, {K rem 50, 0}) || K <- lists:seq(1, 5000)] end) || _ <- lists:seq(1, 6)], [receive {'DOWN', R, process, P, normal} -> ok end || {P, R} <- Ws], io:format("~p~n", [lists:sum([V || {_, V} <- ets:tab2list(T)])]),
  io:format("~p~n", [[catch F() || F <- [fun() -> element(1, lists:last([{error}])) end, fun() -> throw(x) end, fun() -> try 1 / (length([]) * 1) catch error:E -> E end end, fun() -> try hd(lists:nthtail(1, [1])) catch error:E -> E end end, fun() -> try list_to_atom(lists:duplicate(300, $a)) catch error:E -> E end end]]]),
  process_flag(trap_exit, true), C = spawn_link(fun() -> exit(crashed) end), receive {'EXIT', C, Why} -> io:format("~p~n", [Why]) end,
  %% Modules that are compiled, loaded and replaced while others run them.
  Runner = spawn_link(fun() -> run(0) end), [begin {ok, M, B} = compile:forms([{attribute, 1, module, changing}, {attribute, 1, export, [{f, 1}]}, {function, 1, f, 1, [{clause, 1, [{var, 1, 'X'}], [], [{op, 1, '+', {var, 1, 'X'}, {integer, 1, I}}]}]}]), code:purge(M), {module, M} = code:load_binary(M, "x", B), Runner ! {self(), I}, receive {Runner, Sum} -> Sum end end || I <- lists:seq(1, 20)], Runner ! {self(), 0}, receive {Runner, S} -> io:format("changed ~p~n", [S]) end,
  io:format("~p~n", [[erlang:md5(<<0:80000>>), erlang:crc32("text"), erlang:phash2({a, [1, 2.5, <<"x">>]}, 1 bsl 27), math:sin(1), math:pow(2, 0.5), float_to_list(0.1, [short]), 7 div -2, 7 rem -2, (1 bsl 100) band (1 bsl 99 - 1), trunc(1.0e20)]]),
  <<A:4, B2/bitstring>> = <<1, 2, 3>>, io:format("~p ~p ~p~n", [A, B2, [X || <<X:3>> <= <<16#abcdef:24>>]]), io:format("~p~n", [binary:matches(binary:copy(<<"hello world ">>, 3), [<<"o w">>, <<"ld">>])]), io:format("~p~n", [re:replace("some words here", "(\\w)(\\w*)", "\\2\\1", [global, {return, list}])]),
  {ok, L} = gen_tcp:listen(0, [binary, {active, false}, {ip, {127, 0, 0, 1}}]), {ok, Port} = inet:port(L), spawn(fun() -> {ok, S1} = gen_tcp:accept(L), {ok, D} = gen_tcp:recv(S1, 5), gen_tcp:send(S1, string:uppercase(D)), gen_tcp:close(S1) end), {ok, S2} = gen_tcp:connect({127, 0, 0, 1}, Port, [binary, {active, false}]), gen_tcp:send(S2, "hello"), io:format("~p ~p~n", [gen_tcp:recv(S2, 5), gen_tcp:recv(S2, 1)]),
  io:format("~s", [os:cmd("echo child; echo error >&2")]), Q = open_port({spawn, "sh -c 'cat; exit 3'"}, [exit_status, eof, use_stdio]), port_close(Q), Q2 = open_port({spawn, "sh -c 'exit 3'"}, [exit_status]), receive {Q2, {exit_status, St}} -> io:format("~p~n", [St]) end,
  {ok, Ref} = timer:send_interval(5, tick), [receive tick -> ok end || _ <- lists:seq(1, 10)], timer:cancel(Ref), io:format("~p ~p~n", [receive never -> x after 20 -> timeout end, erlang:garbage_collect()]),
  Big = lists:foldl(fun(I, M) -> maps:put(I * 7919 rem 10007, I, M) end, #{}, lists:seq(1, 30000)), io:format("~p ~p~n", [maps:size(Big), lists:sum(maps:values(Big)) rem 1000003]), io:format("~p~n", [erlang:system_info(wordsize)]),
  file:write_file("f", lists:duplicate(1000, "line\n")), {ok, Bin} = file:read_file("f"), io:format("~p ~p~n", [byte_size(Bin), file:read_file("none")]), halt(6).
run(N) -> receive {From, 0} -> From ! {self(), N}; {From, _} -> M = lists:foldl(fun(X, Acc) -> Acc + changing:f(X) end, N, lists:seq(1, 500)), From ! {self(), M}, ?MODULE:run_on(M) end.
END
sed -i 's/-export(\[main\/0, /-export([main\/0, run_on\/1, /' a.erl; echo 'run_on(N) -> run(N).' >> a.erl
erlc a.erl > log; echo $?; for o in '+S 1' '+S 4' '+S 2 +A 8'; do erl $o -noshell -s a main | tee log | sha256sum; echo "$o ${PIPESTATUS[0]}"; done; cat log
erl -noshell -eval 'exit(whereis(init), kill), timer:sleep(10000)' > log 2>&1; echo $?; { erl -noshell -eval 'erlang:halt(abort)'; } > log 2>&1; echo $?; printf '#!/usr/bin/env escript\n%%%%! -noinput\nmain([A]) -> io:format("~p~n", [list_to_integer(A) * 2]), halt(3).\n' > s; chmod +x s; ./s 21; echo $?
LD_PRELOAD= epmd -daemon -address 127.0.0.1; erl -noshell -name one@127.0.0.1 -setcookie c -eval 'receive stop -> halt(0) after 60000 -> halt(9) end' & for i in $(seq 100); do epmd -names 2> /dev/null | grep -q 'name one' && break; sleep 0.1; done; erl -noshell -name two@127.0.0.1 -setcookie c -eval 'pong = net_adm:ping(list_to_atom("one@127.0.0.1")), io:format("~p~n", [rpc:call(list_to_atom("one@127.0.0.1"), lists, sum, [[1, 2, 3]])]), rpc:cast(list_to_atom("one@127.0.0.1"), erlang, halt, [5]), timer:sleep(300), halt(0).'; wait $!; echo $?; epmd -kill > /dev/null
