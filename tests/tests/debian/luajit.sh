# packages: luajit
# ci
# LuaJIT: traces, callbacks from C, code that is made again and again, coroutines.
cat > a.lua <<'END'
local ffi = require 'ffi'
ffi.cdef [[ int qsort(void *, size_t, size_t, int (*)(const void *, const void *)); ]]
print((jit.status()))
local a = ffi.new('int[1000]') for i = 0, 999 do a[i] = (i * 7919) % 1009 end
local order = ffi.cast('int (*)(const void *, const void *)', function(x, y) return ffi.cast('const int *', x)[0] - ffi.cast('const int *', y)[0] end)
ffi.C.qsort(a, 1000, 4, order) order:free()
for i = 1, 999 do assert(a[i - 1] <= a[i]) end
-- Each of these is compiled for itself; the memory for code fills and is emptied.
local sum = 0 for round = 1, 400 do local f = loadstring(('local x, s = ..., 0 for i = 1, 2000 do s = s + (x * i) %% %d end return s'):format(round + 1)) sum = sum + f(round) if round % 100 == 0 then jit.flush() end end print(sum)
local words = {} for i = 1, 200000 do local k = 'k' .. i % 977 words[k] = (words[k] or 0) + i end print(words.k0, words.k976)
local total, co = 0, coroutine.wrap(function() for i = 1, 100000 do coroutine.yield(i) end end) for i in co do total = total + i end print(total)
local function fib(n) return n < 2 and n or fib(n - 1) + fib(n - 2) end print(fib(27))
local x, y = 0.5, 0 for i = 1, 1000000 do x = 3.9 * x * (1 - x) y = y + math.floor(x * 1000) end print(y)
print(pcall(function() local t = nil return t.x end)) local function deep(n) return 1 + deep(n + 1) end print((select(2, pcall(deep, 1)):gsub(':.*', '')))
for i = 1, 300000 do local s = ('%d'):format(i) if #s > 6 then print(s) end end collectgarbage() print(bit.bxor(0xff, 0x0f), ffi.string(ffi.new('char[6]', 'chars')))
END
luajit a.lua; echo $?; luajit -joff a.lua | tail -n +2 | cmp - <(luajit a.lua | tail -n +2) && echo same; luajit -O1 a.lua | tail -1
