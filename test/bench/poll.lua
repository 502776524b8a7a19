-- GET last_operation of a random one of COUNT instances whose ids are the numbers from FIRST. wrk … -- FIRST COUNT
local first, count

function init(args)
  first, count = tonumber(args[1]), tonumber(args[2])
  math.randomseed(os.time())
end

function request()
  return wrk.format("GET", string.format("/v2/service_instances/%d/last_operation", first + math.random(count) - 1))
end
