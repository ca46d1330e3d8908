// Stories told with dynamics-web-api: node dwa.mjs <package> <url> <token>; prints one JSON object {story: "ok" | why not}.
import { pathToFileURL } from "node:url";
import assert from "node:assert/strict";

const [, , path, url, token] = process.argv;
const { DynamicsWebApi } = await import(pathToFileURL(path));
const api = new DynamicsWebApi({ serverUrl: url, onTokenRefresh: async () => token, dataApi: { version: "9.2" } });
const named = new DynamicsWebApi({ serverUrl: url, onTokenRefresh: async () => token, dataApi: { version: "9.2" }, useEntityNames: true });
const stories = {};

stories["create, retrieve, update, upsert, delete"] = async () => {
  const id = await api.create({ collection: "accounts", data: { name: "Contoso", revenue: 10.5 } });
  assert.match(id, /^[0-9a-f-]{36}$/);
  const found = await api.retrieve({ collection: "accounts", key: id, select: ["name", "revenue"] });
  assert.deepEqual([found.name, found.revenue], ["Contoso", 10.5]);
  assert.equal(await api.update({ collection: "accounts", key: id, data: { name: "Contoso Ltd" } }), true);
  const full = await api.update({ collection: "accounts", key: id, data: { name: "Ltd" }, returnRepresentation: true, select: ["name"] });
  assert.equal(full.name, "Ltd");
  const other = "0d9f7a52-2f0a-4f4e-8f0e-3f5ad1c0aa02";
  assert.equal(await api.upsert({ collection: "accounts", key: other, data: { name: "Given id" } }), other);
  assert.equal(await api.deleteRecord({ collection: "accounts", key: id }), true);
  await assert.rejects(api.retrieve({ collection: "accounts", key: id }), (error) => error.status === 404);
};

stories["etags: 412 is false, upserts stay away"] = async () => {
  const made = await api.create({ collection: "accounts", data: { name: "One" }, returnRepresentation: true });
  const etag = made["@odata.etag"];
  assert.equal(await api.update({ collection: "accounts", key: made.accountid, data: { name: "Two" }, ifmatch: etag }), true);
  assert.equal(await api.update({ collection: "accounts", key: made.accountid, data: { name: "Three" }, ifmatch: etag }), false);
  assert.equal(await api.upsert({ collection: "accounts", key: made.accountid, data: { name: "Four" }, ifnonematch: "*" }), null);
  assert.equal(await api.deleteRecord({ collection: "accounts", key: made.accountid, ifmatch: etag }), false);
  assert.equal((await api.retrieve({ collection: "accounts", key: made.accountid })).name, "Two");
};

stories["lists, pages, counts"] = async () => {
  for (let at = 0; at < 12; at++) await api.create({ collection: "contacts", data: { lastname: `P${String(at).padStart(2, "0")}`, jobtitle: "paged" } });
  const filter = "jobtitle eq 'paged'";
  const first = await api.retrieveMultiple({ collection: "contacts", select: ["lastname"], filter, orderBy: ["lastname desc"], maxPageSize: 5, count: true });
  assert.equal(first.value.length, 5);
  assert.equal(first.oDataCount, 12);
  const second = await api.retrieveMultiple({ collection: "contacts", maxPageSize: 5 }, first.oDataNextLink);
  assert.equal(second.value[0].lastname, "P06");
  const all = await api.retrieveAll({ collection: "contacts", select: ["lastname"], filter });
  assert.equal(all.value.length, 12);
  assert.equal(await api.count({ collection: "contacts", filter }), 12);
  assert.ok((await api.count({ collection: "contacts" })) >= 12);
};

stories["annotations, expand, lookups"] = async () => {
  const account = await api.create({ collection: "accounts", data: { name: "Parent" } });
  const contact = await api.create({ collection: "contacts", data: { lastname: "Child", "parentcustomerid_account@odata.bind": `/accounts(${account})` } });
  const found = await api.retrieve({ collection: "contacts", key: contact, select: ["lastname", "_parentcustomerid_value"], includeAnnotations: "*", expand: [{ property: "parentcustomerid_account", select: ["name"] }] });
  assert.equal(found.parentcustomerid_account.name, "Parent");
  assert.equal(found["_parentcustomerid_value@Microsoft.Dynamics.CRM.lookuplogicalname"], "account");
  assert.equal(found["_parentcustomerid_value_LogicalName"], "account");
  const parent = await api.retrieve({ collection: "accounts", key: account, expand: [{ property: "contact_customer_accounts", select: ["lastname"], filter: "lastname eq 'Child'" }] });
  assert.equal(parent.contact_customer_accounts.length, 1);
};

stories["dates become dates"] = async () => {
  const dated = new DynamicsWebApi({ serverUrl: url, onTokenRefresh: async () => token, dataApi: { version: "9.2" } });
  const [event] = (await dated.retrieveMultiple({ collection: "msevtmgt_events", select: ["msevtmgt_name", "createdon"] })).value;
  assert.ok(event.createdon instanceof Date, String(event.createdon));
};

stories["associate, disassociate, single properties"] = async () => {
  const account = await api.create({ collection: "accounts", data: { name: "Linked" } });
  const contact = await api.create({ collection: "contacts", data: { lastname: "Link" } });
  await api.associate({ collection: "accounts", primaryKey: account, relationshipName: "contact_customer_accounts", relatedCollection: "contacts", relatedKey: contact });
  assert.equal((await api.retrieve({ collection: "contacts", key: contact }))._parentcustomerid_value, account);
  await api.disassociate({ collection: "accounts", primaryKey: account, relationshipName: "contact_customer_accounts", relatedKey: contact });
  assert.equal((await api.retrieve({ collection: "contacts", key: contact }))._parentcustomerid_value, null);
  await api.associateSingleValued({ collection: "accounts", primaryKey: account, navigationProperty: "primarycontactid", relatedCollection: "contacts", relatedKey: contact });
  await api.disassociateSingleValued({ collection: "accounts", primaryKey: account, navigationProperty: "primarycontactid" });
  await api.updateSingleProperty({ collection: "accounts", key: account, fieldValuePair: { name: "Single" } });
  assert.equal((await api.retrieve({ collection: "accounts", key: account, navigationProperty: undefined })).name, "Single");
};

stories["batch: change set with references, all or nothing"] = async () => {
  api.startBatch();
  api.create({ collection: "accounts", data: { name: "In a batch" }, contentId: "1" });
  api.create({ collection: "contacts", data: { lastname: "Referring", "parentcustomerid_account@odata.bind": "$1" } });
  const done = await api.executeBatch();
  assert.equal(done.length, 2);
  const [referring] = (await api.retrieveMultiple({ collection: "contacts", filter: "lastname eq 'Referring'" })).value;
  assert.equal(referring._parentcustomerid_value, done[0]);
  api.startBatch();
  api.create({ collection: "accounts", data: { name: "Never" } });
  api.create({ collection: "accounts", data: { no_such_column: 1 } });
  await assert.rejects(api.executeBatch());
  assert.equal((await api.retrieveMultiple({ collection: "accounts", filter: "name eq 'Never'" })).value.length, 0);
  api.startBatch();
  api.retrieveMultiple({ collection: "accounts", top: 1 });
  api.retrieveMultiple({ collection: "contacts", top: 1 });
  assert.equal((await api.executeBatch()).length, 2);
};

stories["an address of more than 2,000 characters goes as a batch"] = async () => {
  const filter = Array.from({ length: 120 }, (_, at) => `name eq 'Nobody has such a name ${at}'`).join(" or ");
  assert.equal((await api.retrieveMultiple({ collection: "accounts", filter })).value.length, 0);
};

stories["functions and actions"] = async () => {
  const who = await api.callFunction({ name: "WhoAmI" });
  assert.match(who.UserId, /^[0-9a-f-]{36}$/);
  await assert.rejects(api.callAction({ actionName: "msevtmgt_finalizeregistrationpayment", action: { msevtmgt_purchaseid: "0d9f7a52-2f0a-4f4e-8f0e-3f5ad1c0aa02", msevtmgt_paymentstatus: 100000001 } }), (error) => error.status === 404);
};

stories["FetchXML with pages"] = async () => {
  for (let at = 0; at < 7; at++) await api.create({ collection: "contacts", data: { lastname: `X${at}`, jobtitle: "fetched" } });
  const fetchXml = '<fetch count="3"><entity name="contact"><attribute name="lastname"/><order attribute="lastname"/><filter><condition attribute="jobtitle" operator="eq" value="fetched"/></filter></entity></fetch>';
  const page = await api.fetch({ collection: "contacts", fetchXml, includeAnnotations: "*" });
  assert.equal(page.value.length, 3);
  const second = await api.fetch({ collection: "contacts", fetchXml, includeAnnotations: "*", pageNumber: page.PagingInfo.nextPage, pagingCookie: page.PagingInfo.cookie });
  assert.equal(second.value[0].lastname, "X3");
  assert.equal((await api.fetchAll({ collection: "contacts", fetchXml, includeAnnotations: "*" })).value.length, 7);
};

stories["entity names and metadata"] = async () => {
  assert.ok((await named.retrieveMultiple({ collection: "msevtmgt_pass", select: ["msevtmgt_name"] })).value.length >= 3);
  const pass = await api.retrieveEntity({ key: "LogicalName='msevtmgt_pass'", select: ["LogicalName", "EntitySetName"] });
  assert.equal(pass.EntitySetName, "msevtmgt_passes");
  const all = await api.retrieveEntities({ select: ["LogicalName"], filter: "IsPrivate eq false" });
  assert.ok(all.value.some((one) => one.LogicalName === "msevtmgt_eventpurchase"));
  const picklists = await api.retrieveAttributes({ entityKey: "LogicalName='msevtmgt_eventpurchase'", castType: "Microsoft.Dynamics.CRM.PicklistAttributeMetadata", select: ["LogicalName"], expand: [{ property: "OptionSet", select: ["Options"] }] });
  const status = picklists.value.find((one) => one.LogicalName === "msevtmgt_paymentstatus");
  assert.deepEqual(status.OptionSet.Options.map((one) => one.Value), [100000000, 100000001]);
  const xml = await api.retrieveCsdlMetadata();
  assert.ok(xml.includes('Name="msevtmgt_eventpurchase"'));
};

const told = {};
for (const [name, story] of Object.entries(stories)) {
  try {
    await story();
    told[name] = "ok";
  } catch (error) {
    told[name] = `${error?.status ?? ""} ${error?.message ?? error}`.trim() || String(error);
    if (Array.isArray(error)) told[name] = error.map((one) => `${one?.status} ${one?.message}`).join("; ");
  }
}
console.log(JSON.stringify(told));
