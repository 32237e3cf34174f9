// Checks recorded exchanges (ringdown simulate --record) against the published descriptions, in
// both directions. usage: validate.js RECORD MODULES [WHAT]; prints TAP lines.
//
// Known to be wrong in the descriptions, and therefore not held against anyone: formats of URLs
// (page links are relative, unset ones ""), patterns of unset SIDs (""), latitude as a string;
// error bodies are not described at all, so only their documented members are checked.
"use strict";
const fs = require("fs");
const path = require("path");
const { createRequire } = require("module");
const [record, modules, what = "exchanges"] = process.argv.slice(2);
const Ajv = createRequire(modules + "/")("ajv").default;
const specs = { twilio: "twilio_api_v2010", monitor: "twilio_monitor_v1", messaging: "twilio_messaging_v1",
	video: "twilio_video_v1", lookups: "twilio_lookups_v2", elevenlabs: "elevenlabs_convai_subset" };
const dir = path.join(__dirname, "../../specs");
const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true, discriminator: false });

// OpenAPI 3.0 to JSON Schema: nullable; "" is fine where a SID is expected.
function convert(o) {
	if (Array.isArray(o)) return o.map(convert);
	if (!o || typeof o !== "object") return o;
	const r = {};
	for (const [k, v] of Object.entries(o)) {
		if (k === "discriminator" || k === "nullable") continue;
		r[k] = k === "pattern" && typeof v === "string" && v.startsWith("^") ? `^$|${v}` : convert(v);
	}
	if (o.nullable && typeof r.type === "string") r.type = [r.type, "null"];
	if (o.nullable && r.enum) r.enum = [...r.enum, null];
	if (r.pattern) delete r.minLength;	// "" again
	if (r.format === "double" || r.type === "number") delete r.type;
	return r;
}
const loaded = {};
function spec(service) {
	if (!specs[service]) return null;
	if (!loaded[service]) {
		const doc = convert(JSON.parse(fs.readFileSync(path.join(dir, specs[service] + ".json"))));
		doc.$id = service;
		ajv.addSchema(doc, service);
		const routes = Object.keys(doc.paths).map((p) => [p, new RegExp("^" +
			p.replace(/[.]/g, "\\.").replace(/\{[^}]+\}/g, "[^/]+?") + "$")]);
		routes.sort((a, b) => (a[0].match(/\{/g) || []).length - (b[0].match(/\{/g) || []).length);
		loaded[service] = { doc, routes };
	}
	return loaded[service];
}
const escape = (s) => encodeURIComponent(s.replace(/~/g, "~0").replace(/\//g, "~1"));
const compiled = new Map();
function checker(service, pointer) {
	const ref = `${service}#/${pointer.map(escape).join("/")}`;
	if (!compiled.has(ref)) compiled.set(ref, ajv.compile({ $ref: ref }));
	return compiled.get(ref);
}
const problems = new Map();
const seen = new Map();
function problem(x, text) {
	const key = `${x.service} ${x.method} ${x.path.replace(/[A-Z]{2}[0-9a-f]{32}/g, "{}")
		.replace(/(agent|phnum)_[0-9a-z]+/g, "{}")}: ${text}`;
	problems.set(key, (problems.get(key) || 0) + 1);
}
const tell = (v) => v.errors.slice(0, 3).map((e) => `${e.instancePath} ${e.message}`).join("; ");

function checkRequest(x, op, p, s) {
	const method = x.method.toLowerCase();
	const params = [...(op.parameters || []), ...(s.doc.paths[p].parameters || [])];
	const known = new Set(params.filter((q) => q.in === "query").map((q) => q.name));
	for (const [k] of new URLSearchParams(x.query || ""))
		if (!known.has(k) && !["Page", "PageToken", "PageSize"].includes(k) && x.status < 400)
			problem(x, `query parameter ${k} is not described`);
	if (!op.requestBody || !x.requestBody) return;
	const type = (x.requestType || "").split(";")[0];
	const content = op.requestBody.content[type];
	if (!content) return problem(x, `content type ${type} is not described`);
	if (type === "application/json") {
		const v = checker(x.service, ["paths", p, method, "requestBody", "content", type, "schema"]);
		if (x.status < 400 && !v(JSON.parse(x.requestBody))) problem(x, "request " + tell(v));
		return;
	}
	for (const [k] of new URLSearchParams(x.requestBody))
		if (!content.schema.properties[k]) problem(x, `form field ${k} is not described`);
}

function checkReply(x, op, p) {
	const method = x.method.toLowerCase();
	const reply = op.responses[x.status] || op.responses[`${String(x.status)[0]}XX`];
	if (x.status >= 400) {
		let body;
		try { body = JSON.parse(x.body); } catch { return problem(x, "error body is not JSON"); }
		const fine = x.service === "elevenlabs" ? "detail" in body
			: Number.isInteger(body.code) && body.status === x.status &&
			  typeof body.message === "string" && typeof body.more_info === "string";
		if (!fine) problem(x, "error body");
		return;
	}
	if (!reply) return problem(x, `status ${x.status} is not described`);
	const content = reply.content && reply.content["application/json"];
	if (!content || x.status === 204) return;
	const v = checker(x.service, ["paths", p, method, "responses", String(x.status), "content",
		"application/json", "schema"]);
	if (!v(JSON.parse(x.body))) problem(x, "reply " + tell(v));
}

let n = 0;
for (const line of fs.readFileSync(record, "utf8").split("\n")) {
	if (!line) continue;
	const x = JSON.parse(line);
	const s = spec(x.service);
	if (!s || x.fault || !x.status) continue;
	const route = s.routes.find(([p, re]) => re.test(x.path) && s.doc.paths[p][x.method.toLowerCase()]);
	if (!route) {
		if (!/\/v2\/phone-numbers/.test(x.path)) problem(x, "operation is not described");
		continue;	// (known to the SDK only)
	}
	const op = s.doc.paths[route[0]][x.method.toLowerCase()];
	seen.set(`${x.service} ${x.method} ${route[0]}`, 1);
	checkRequest(x, op, route[0], s);
	checkReply(x, op, route[0]);
	n++;
}
console.log(`${n > 0 && !problems.size ? "ok" : "not ok"} 1 ${n} ${what} of ${seen.size} operations keep to the published descriptions`);
for (const [k, c] of problems) console.log(`# ${c} x ${k}`);
