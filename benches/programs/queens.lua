-- Queens on a board, by trying.
local function place(row, size, columns, up, down)
    if row > size then return 1 end
    local found = 0
    for column = 1, size do
        if not columns[column] and not up[row + column] and not down[row - column + size] then
            columns[column], up[row + column], down[row - column + size] = true, true, true
            found = found + place(row + 1, size, columns, up, down)
            columns[column], up[row + column], down[row - column + size] = false, false, false
        end
    end
    return found
end
print(place(1, tonumber(arg[1]), {}, {}, {}))
