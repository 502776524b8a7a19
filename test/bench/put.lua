-- PUT of a new instance with each request: ids are PREFIX, the thread and a number. wrk … -- PREFIX BODY
local threads = 0

function setup(thread)
  threads = threads + 1
  thread:set("number", threads)
end

function init(args)
  prefix, body, sent = args[1], args[2], 0
end

function request()
  sent = sent + 1
  local path = string.format("/v2/service_instances/%s-%d-%d?accepts_incomplete=true", prefix, number, sent)
  return wrk.format("PUT", path, nil, body)
end
