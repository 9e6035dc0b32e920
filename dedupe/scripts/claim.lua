-- KEYS: entries; ARGV: the lease in ms, then each entry's 'L|token'.
-- Answers the number of entries, then for those that were not free: number, value, remaining ms, ...
local call, lease, taken = redis.call, ARGV[1], {#KEYS}
for i = 1, #KEYS do
  local key, own = KEYS[i], ARGV[i + 1]
  if not call('SET', key, own, 'NX', 'PX', lease) then
    local value = call('GET', key)
    if value == own then
      call('PEXPIRE', key, lease)
    else
      local n, held = #taken, string.sub(value, 1, 1) == 'L'
      taken[n + 1], taken[n + 2], taken[n + 3] = i, value, held and call('PTTL', key) or 0
    end
  end
end
return taken
