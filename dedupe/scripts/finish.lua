-- KEYS: entries; ARGV: the retention in ms, then each entry's 'L|token' and its final value.
-- Answers the number of entries, then for those that were not ours: number, 0 (gone, recorded) or 1 (another's), ...
local call, retention, other = redis.call, ARGV[1], {#KEYS}
local values = call('MGET', unpack(KEYS))
for i = 1, #KEYS do
  local key, final = KEYS[i], ARGV[2 * i + 1]
  if values[i] == ARGV[2 * i] then
    call('SET', key, final, 'PX', retention)
  elseif call('SET', key, final, 'NX', 'PX', retention) then
    other[#other + 1], other[#other + 2] = i, 0
  elseif call('GET', key) ~= final then -- the same value: an earlier try was carried out
    other[#other + 1], other[#other + 2] = i, 1
  end
end
return other
