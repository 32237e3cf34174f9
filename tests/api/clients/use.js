// The official clients do with the simulator what the program does with the real services.
// usage: use.js BASE MODULES; prints TAP lines.
"use strict";
const { createRequire } = require("module");
const [base, modules] = process.argv.slice(2);
const load = createRequire(modules + "/");
const twilio = load("twilio");
const { ElevenLabsClient } = load("@elevenlabs/elevenlabs-js");

let n = 0;
const plan = [];
const check = (name, fn) => plan.push([name, fn]);
const same = (a, b, what) => {
	if (a !== b) throw new Error(`${what}: ${JSON.stringify(a)} is not ${JSON.stringify(b)}`);
};

// Every host of Twilio is the one port, told apart by prefix.
class ToSimulator extends twilio.RequestClient {
	request(opts) {
		const u = new URL(opts.uri);
		const host = u.hostname.split(".")[0];
		opts.uri = base + (host === "api" ? "" : "/" + host) + u.pathname + u.search;
		return super.request(opts);
	}
}
const refused = async (fn, status, code) => {
	try {
		await fn();
	} catch (e) {
		same(e.status, status, "status");
		same(e.code, code, "code");
		return;
	}
	throw new Error("was not refused");
};
const control = (path, body, method = "POST") =>
	fetch(base + "/_sim" + path, {
		method,
		headers: { "content-type": "application/json" },
		body: method === "POST" ? JSON.stringify(body) : undefined,
	});

async function main() {
	const state = await (await fetch(base + "/_sim/state")).json();
	const by = Object.fromEntries(state.accounts.map((a) => [a.name, a]));
	const [primary, backup] = [by["acme-main"], by["acme-backup-1"]];
	const client = (a) => twilio(a.sid, a.authToken, { httpClient: new ToSimulator() });
	const [main_, back, parent] = [client(primary), client(backup), client(by["acme-backup-parent"])];
	const eleven = new ElevenLabsClient({
		apiKey: state.elevenlabs.apiKey, baseUrl: base + "/elevenlabs", maxRetries: 0 });
	const convai = eleven.conversationalAi;
	const number = state.numbers.find((x) => x.account === "acme-backup-1");
	const agent = state.agents[0];
	let imported;

	check("account", async () => {
		const a = await main_.api.v2010.accounts(primary.sid).fetch();
		same(a.status, "active", "status");
		same(a.ownerAccountSid, primary.parentSid, "owner");
	});
	check("accounts of a parent", async () => {
		const list = await parent.api.v2010.accounts.list();
		same(list.length, 3, "accounts");
	});
	check("balance, keys, triggers", async () => {
		same((await parent.balance.fetch()).balance, "2500.00", "balance");
		same((await main_.keys.list()).length, 2, "keys");
		same((await main_.usage.triggers.list()).length, 0, "triggers");
	});
	check("numbers by pages", async () => {
		const list = await main_.incomingPhoneNumbers.list({ pageSize: 7 });
		same(list.length, 40, "numbers");
		same(new Set(list.map((x) => x.sid)).size, 40, "different");
		same(list[0].capabilities.voice, true, "voice");
		const one = await main_.incomingPhoneNumbers.list({ phoneNumber: list[3].phoneNumber });
		same(one.length, 1, "by number");
		same((await main_.incomingPhoneNumbers(list[3].sid).fetch()).voiceUrl, list[3].voiceUrl, "url");
	});
	check("a webhook is written and read back", async () => {
		await back.incomingPhoneNumbers(number.sid).update({
			smsUrl: "https://a.example/sms", statusCallback: "https://a.example/status" });
		const x = await back.incomingPhoneNumbers(number.sid).fetch();
		same(x.smsUrl, "https://a.example/sms", "smsUrl");
		same(x.voiceUrl, number.voiceUrl, "voiceUrl");
	});
	check("import, look up, unassign", async () => {
		imported = await convai.phoneNumbers.create({
			provider: "twilio", phoneNumber: number.phoneNumber, label: "backup",
			sid: backup.sid, token: backup.authToken, agentId: agent.elevenLabsAgentId,
			enableSms: false });
		const x = await back.incomingPhoneNumbers(number.sid).fetch();
		same(x.voiceUrl, "https://api.us.elevenlabs.io/twilio/inbound_call", "voiceUrl");
		same(x.statusCallback, "", "statusCallback");
		same(x.smsUrl, "https://a.example/sms", "smsUrl");
		const got = await convai.phoneNumbers.get(imported.phoneNumberId);
		same(got.assignedAgent.agentId, agent.elevenLabsAgentId, "agent");
		const list = await convai.phoneNumbers.list();
		same(list.filter((y) => y.phoneNumber === number.phoneNumber).length, 1, "listed");
		const free = await convai.phoneNumbers.update(imported.phoneNumberId, { label: "x" });
		same(free.label, "x", "label");
	});
	check("agents", async () => {
		const page = await convai.agents.list({ pageSize: 30 });
		same(page.agents.length, 30, "first page");
		same(page.hasMore, true, "more");
		const rest = await convai.agents.list({ pageSize: 30, cursor: page.nextCursor });
		same(rest.agents.length, 10, "second page");
		const one = await convai.agents.get(agent.elevenLabsAgentId);
		same(one.phoneNumbers.length, 2, "numbers");
	});
	check("subscription, conversations", async () => {
		same((await eleven.user.subscription.get()).status, "active", "status");
		const list = await convai.conversations.list({ pageSize: 20 });
		same(list.conversations.length, 20, "conversations");
	});
	check("register-call and outbound-call", async () => {
		await convai.twilio.registerCall({ agentId: agent.elevenLabsAgentId,
			fromNumber: "+14155550100", toNumber: number.phoneNumber, direction: "inbound" });
		const call = await convai.twilio.outboundCall({ agentId: agent.elevenLabsAgentId,
			agentPhoneNumberId: imported.phoneNumberId, toNumber: "+14155550100" });
		same(call.success, true, "success");
	});
	check("unassign and delete an import", async () => {
		await convai.phoneNumbers.delete(imported.phoneNumberId);
		same((await convai.phoneNumbers.list()).length, 40, "imports");
	});
	check("calls and messages", async () => {
		const calls = await main_.calls.list({ limit: 120, pageSize: 50,
			startTimeAfter: new Date(Date.now() - 600000) });
		same(calls.length, 120, "calls");
		const call = await main_.calls(calls[0].sid).fetch();
		same(call.to, calls[0].to, "to");
		same((await main_.calls(calls[0].sid).notifications.list()).length, 0, "notifications");
		const messages = await main_.messages.list({ limit: 20, dateSentAfter: new Date(Date.now() - 3600000) });
		same(messages.length, 20, "messages");
		const sent = await main_.messages.create({ to: "+14155550100", body: "hi",
			from: state.agents[0].phoneNumber });
		same(sent.status, "queued", "status");
		same((await main_.messages(sent.sid).fetch()).body, "hi", "body");
		const made = await main_.calls.create({ to: "+14155550100", from: state.agents[0].phoneNumber,
			twiml: "<Response/>" });
		same(made.direction, "outbound-api", "direction");
	});
	check("failing calls show in alerts and notifications", async () => {
		await control("/clock", { speed: 60 });
		await control("/account/acme-main", { agentsFailing: { share: 1, code: 32005 } });
		await new Promise((r) => setTimeout(r, 1500));
		const alerts = await main_.monitor.v1.alerts.list({ logLevel: "error", limit: 5 });
		same(alerts.length, 5, "alerts");
		same(alerts[0].errorCode, "32005", "code");
		const whole = await main_.monitor.v1.alerts(alerts[0].sid).fetch();
		same(whole.resourceSid, alerts[0].resourceSid, "resource");
		const notes = await main_.calls(alerts[0].resourceSid).notifications.list();
		same(notes[0].errorCode, "32005", "notification");
		await control("/account/acme-main", { heal: true });
	});
	check("monitor events say who changed a number", async () => {
		const list = await back.monitor.v1.events.list({ resourceSid: number.sid });
		same(list.length > 0, true, "events");
	});
	check("messaging services and campaign", async () => {
		const [service] = await main_.messaging.v1.services.list();
		same((await main_.messaging.v1.services(service.sid).phoneNumbers.list({ pageSize: 15 })).length,
		     40, "senders");
		const [campaign] = await main_.messaging.v1.services(service.sid).usAppToPerson.list();
		same(campaign.campaignStatus, "VERIFIED", "campaign");
		same((await main_.messaging.v1.services(service.sid).fetch()).usAppToPersonRegistered, true, "ready");
	});
	check("video rooms", async () => {
		const room = await main_.video.v1.rooms.create({ uniqueName: "booking-1" });
		await refused(() => main_.video.v1.rooms.create({ uniqueName: "booking-1" }), 400, 53113);
		same((await main_.video.v1.rooms("booking-1").fetch()).sid, room.sid, "sid");
		same((await main_.video.v1.rooms(room.sid).update({ status: "completed" })).status,
		     "completed", "status");
		same((await main_.video.v1.rooms.list()).length, 0, "open rooms");
	});
	check("routes and lookups", async () => {
		const r = await main_.routes.v2.phoneNumbers(state.agents[0].phoneNumber).fetch();
		same(r.voiceRegion, "us1", "region");
		same((await main_.lookups.v2.phoneNumbers("+14155550100").fetch()).valid, true, "valid");
	});
	check("available numbers, buy, release", async () => {
		const [x] = await back.availablePhoneNumbers("US").local.list({ areaCode: 415, limit: 3 });
		const bought = await back.incomingPhoneNumbers.create({ phoneNumber: x.phoneNumber });
		await refused(() => back.incomingPhoneNumbers.create({ phoneNumber: x.phoneNumber }), 400, 21422);
		await back.incomingPhoneNumbers(bought.sid).remove();
		await refused(() => back.incomingPhoneNumbers(bought.sid).fetch(), 404, 20404);
	});
	check("what is refused", async () => {
		const wrong = twilio(primary.sid, "wrong", { httpClient: new ToSimulator() });
		await refused(() => wrong.api.v2010.accounts(primary.sid).fetch(), 401, 20003);
		const standard = primary.apiKeys.find((k) => k.type === "standard");
		const keyed = twilio(standard.sid, standard.secret, { accountSid: primary.sid,
			httpClient: new ToSimulator() });
		await refused(() => keyed.api.v2010.accounts(primary.sid).fetch(), 401, 20003);
		same((await keyed.incomingPhoneNumbers.list({ limit: 2 })).length, 2, "numbers by key");
		await control("/account/acme-main", { status: "suspended" });
		await refused(() => main_.api.v2010.accounts(primary.sid).fetch(), 401, 20003);
		const list = await client(by["acme-parent"]).api.v2010.accounts.list({ status: "suspended" });
		same(list.length, 1, "seen by the parent");
		await control("/account/acme-main", { heal: true });
	});
	check("errors of ElevenLabs", async () => {
		for (const [fn, status] of [[() => convai.agents.get("agent_none"), 404],
			[() => convai.phoneNumbers.create({ provider: "twilio", phoneNumber: "+14155550100",
				label: "x", sid: backup.sid, token: "wrong" }), 400]]) {
			let seen;
			await fn().catch((e) => { seen = e; });
			same(seen && seen.statusCode, status, "status");
		}
	});

	for (const [name, fn] of plan) {
		try {
			await fn();
			console.log(`ok ${++n} ${name}`);
		} catch (e) {
			console.log(`not ok ${++n} ${name}`);
			console.log("# " + String(e.stack || e).replace(/\n/g, "\n# "));
		}
	}
}
main().catch((e) => {
	console.log(`not ok ${++n} clients`);
	console.log("# " + String(e.stack || e).replace(/\n/g, "\n# "));
	process.exitCode = 1;
});
