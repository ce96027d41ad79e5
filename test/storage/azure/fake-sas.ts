/** The one token that the fake Azure of the `edge` project takes. */
export const FAKE_SAS = "sv=2020-12-06&sr=c&sp=rcwdl&se=2036-01-01T00%3A00%3A00Z&sig=secret-of-the-customers-sas%3D";
