import { describe, expect, it } from "vitest";
import { elementsOf, elementText, hasElement } from "../../shared/element-text.ts";

describe("elementText", () => {
  it.each([
    ["<UploadId>abc</UploadId>", "abc"],
    ['<UploadId xmlns="x">\n abc </UploadId>', "abc"],
    ["<ns2:UploadId>abc</ns2:UploadId>", "abc"],
    ["<UploadId><![CDATA[a&b<c>]]></UploadId>", "a&b<c>"],
    ["<UploadId>a&amp;b&#x3c;&#99;</UploadId>", "a&b<c"],
    ["<UploadId></UploadId>", ""],
    ["<UploadIdMarker>x</UploadIdMarker><UploadId>abc</UploadId>", "abc"],
  ])("of %s is %j", (xml, text) => {
    expect(elementText(xml, "UploadId")).toBe(text);
  });

  it.each(["", "<html>", "<UploadId/>", "<UploadId>abc", "<a:UploadId>abc</b:UploadId>", "<UploadId><b/></UploadId>"])(
    "of %j is none",
    (xml) => {
      expect(elementText(xml, "UploadId")).toBeNull();
    },
  );

  it.each(["&#xffffff;", "&#x110000;", "&#9999999;", "&#xd800;", "&#57343;"])(
    "leaves %s as it stands: there is no such character",
    (reference) => {
      expect(elementText(`<Key>a${reference}</Key>`, "Key")).toBe(`a${reference}`);
    },
  );
});

describe("elementsOf, hasElement", () => {
  it("find each element, whatever the prefix before its name", () => {
    const xml = "<s:Upload><s:Key>a</s:Key></s:Upload><Uploads/><s:Upload><s:Key>b</s:Key></s:Upload>";
    expect(elementsOf(xml, "Upload").map((each) => elementText(each, "Key"))).toEqual(["a", "b"]);
    expect(hasElement("<s3:Error>", "Error")).toBe(true);
    expect(hasElement("<ErrorDocument>", "Error")).toBe(false);
  });
});
