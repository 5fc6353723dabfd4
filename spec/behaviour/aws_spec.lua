--- Questions to AWS: who we are to it, that requests are signed, and what is said where it cannot be asked.

package.path = "spec/support/?.lua;" .. package.path

local json = require "cjson"
local k8sgpt = require "k8sgpt"
local operator = require "support.operator"
local program = require "support.program"
local receiver = require "support.receiver"

local KEY <const>, SECRET <const> = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
local STATIC <const> = { "AWS_ACCESS_KEY_ID=" .. KEY, "AWS_SECRET_ACCESS_KEY=" .. SECRET }

local CLUSTERS <const> = '200={"clusters":["shop"]}'
local ISSUE <const> = '200={"cluster":{"health":{"issues":[{"code":"AccessDenied","message":"m"}]}}}'

--- Runs analyze with these variables, and nothing of AWS else.
local function analyze(cluster, variables)
  local words = { "env", "AWS_REGION=eu-west-1" }
  for _, variable in ipairs(variables) do words[#words + 1] = variable end
  table.move({ operator.BINARY, "analyze", "--kubeconfig", cluster.kubeconfig, "--filter", "EKS", "-o", "json" }, 1, 8, #words + 1, words)
  local output, status = program.run(words)
  return json.decode(output), status
end

local function texts(answer)
  local list = {}
  for _, result in ipairs(answer.results) do
    for _, failure in ipairs(result.error) do list[#list + 1] = ("%s %s: %s"):format(result.kind, result.name, failure.Text) end
  end
  return list
end

local FOUND <const> = { 'EKS AWS/EKS: {\n  Code: "AccessDenied",\n  Message: "m"\n}' }

local function with_endpoint(aws, more)
  local variables = { "AWS_ENDPOINT_URL=" .. aws.url }
  return table.move(more, 1, #more, 2, variables)
end

local function raw(hex) return (hex:gsub("..", function(byte) return string.char(tonumber(byte, 16)) end)) end

--- The signature that a request should have (AWS General Reference: "Signature Version 4").
local function signature(request, secret)
  local date, region, service, names = request.headers.authorization:match("Credential=[^/]+/(%d+)/([^/]+)/([^/]+)/aws4_request, ?SignedHeaders=([^,]+)")
  local lines = { request.method, request.path, "" }
  for name in names:gmatch("[^;]+") do lines[#lines + 1] = ("%s:%s"):format(name, request.headers[name]) end
  lines[#lines + 1] = ""
  lines[#lines + 1] = names
  lines[#lines + 1] = k8sgpt.sha256("")
  local scope = ("%s/%s/%s/aws4_request"):format(date, region, service)
  local text = table.concat({ "AWS4-HMAC-SHA256", request.headers["x-amz-date"], scope, k8sgpt.sha256(table.concat(lines, "\n")) }, "\n")
  local key = "AWS4" .. secret
  for _, part in ipairs { date, region, service, "aws4_request" } do key = raw(k8sgpt.hmac_sha256(key, part)) end
  return k8sgpt.hmac_sha256(key, text), names
end

local function assert_signed(request, secret, token)
  local wanted, names = signature(request, secret)
  assert.are.equal(wanted, request.headers.authorization:match("Signature=(%x+)"))
  assert.are.equal(token, request.headers["x-amz-security-token"])
  if token then assert.matches("x-amz-security-token", names, 1, true) end
end

describe("AWS", function()
  local cluster
  before_each(function() cluster = operator.cluster {} end)
  after_each(operator.clean)

  it("is asked in signed requests with the keys of the environment", function()
    local aws = receiver.start { CLUSTERS, ISSUE }
    local answer, status = analyze(cluster, with_endpoint(aws, STATIC))
    assert.are.same(FOUND, texts(answer))
    assert.are.equal(1, status)
    local requests = aws:await_requests(2)
    assert.are.same({ "/clusters", "/clusters/shop" }, { requests[1].path, requests[2].path })
    for _, request in ipairs(requests) do assert_signed(request, SECRET) end
  end)

  it("is asked as the role of the pod, by EKS Pod Identity", function()
    local token = program.folder() .. "/token"
    program.write(token, "whoami\n")
    local keys = { AccessKeyId = "A", SecretAccessKey = "S", Token = "T", Expiration = "2099-01-01T00:00:00Z" }
    local agent = receiver.start { "200=" .. json.encode(keys) }
    local aws = receiver.start { CLUSTERS, ISSUE }
    local variables = { "AWS_CONTAINER_CREDENTIALS_FULL_URI=" .. agent.url, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=" .. token }
    assert.are.same(FOUND, texts((analyze(cluster, with_endpoint(aws, variables)))))
    assert.are.equal("whoami", agent:await_requests(1)[1].headers.authorization)
    for _, request in ipairs(aws:await_requests(2)) do assert_signed(request, "S", "T") end
    assert.are.equal(1, #agent:requests())
  end)

  it("is asked as the role of the account, by a web identity", function()
    local token = program.folder() .. "/token"
    program.write(token, "a.b.c")
    local credentials = { AccessKeyId = "A", SecretAccessKey = "S", SessionToken = "T", Expiration = 4070908800 }
    local sts = json.encode { AssumeRoleWithWebIdentityResponse = { AssumeRoleWithWebIdentityResult = { Credentials = credentials } } }
    local aws = receiver.start { "200=" .. sts, CLUSTERS, ISSUE }
    local variables = { "AWS_ROLE_ARN=arn:aws:iam::1:role/k8sgpt", "AWS_WEB_IDENTITY_TOKEN_FILE=" .. token }
    assert.are.same(FOUND, texts((analyze(cluster, with_endpoint(aws, variables)))))
    local requests = aws:await_requests(3)
    assert.matches("WebIdentityToken=a.b.c", requests[1].path, 1, true)
    assert.is_nil(requests[1].headers["x-amz-date"])
    assert_signed(requests[3], "S", "T")
  end)

  it("that refuses is no healthy cluster, and says why", function()
    local aws = receiver.start { '403={"message":"not authorized to perform: eks:ListClusters"}' }
    local answer, status = analyze(cluster, with_endpoint(aws, STATIC))
    assert.are.same({}, answer.results)
    assert.matches("AWS refuses eks: 403 not authorized to perform: eks:ListClusters", answer.errors[1], 1, true)
    assert.are.equal(4, status)
  end)

  it("without credentials is not asked, and the analyzer inactive", function()
    local output = program.run { operator.BINARY, "analyze", "--kubeconfig", cluster.kubeconfig, "--filter", "EKS", "-o", "junit" }
    assert.matches("there are no credentials for AWS", output, 1, true)
    assert.are.same({}, (analyze(cluster, {})).results)
  end)
end)
