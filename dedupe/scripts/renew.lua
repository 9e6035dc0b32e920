-- KEYS: entries; ARGV: the lease in ms, then each entry's 'L|token'.
-- Answers the number of entries, then for those that were not ours: number, 0 (gone, taken again) or 1 (another's), ...
local call, lease, other = redis.call, ARGV[1], {#KEYS}
local values = call('MGET', unpack(KEYS))
for i = 1, #KEYS do
  local key, own = KEYS[i], ARGV[i + 1]
  if values[i] == own then
    call('PEXPIRE', key, lease)
  elseif call('SET', key, own, 'NX', 'PX', lease) then
    other[#other + 1], other[#other + 2] = i, 0
  elseif call('GET', key) ~= own then -- an earlier claim of this batch may have taken it
    other[#other + 1], other[#other + 2] = i, 1
  end
end
return other
