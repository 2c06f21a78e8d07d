using Sluice.Handshake;

namespace Sluice.Tests.Handshake;

public class HandshakeKeyTests
{
    [Theory]
    [InlineData("dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")] // RFC 6455 §1.3
    [InlineData("x3JJHMbDL1EzLkh9GBhXDw==", "HSmrc0sMlYUkAGmm5OPpG2HaGWk=")] // the sample of Wikipedia's article on WebSocket
    public void Section_4_2_2_computes_the_accept_value(string key, string accept) =>
        HandshakeKey.ComputeAccept(key).ShouldBe(accept);

    [Fact]
    public void Section_4_1_a_new_key_is_16_random_bytes_in_base64()
    {
        var keys = new HashSet<string>();
        for (var i = 0; i < 1000; i++)
        {
            var key = HandshakeKey.Create();
            HandshakeKey.IsValid(key).ShouldBeTrue();
            Convert.FromBase64String(key).Length.ShouldBe(16);
            keys.Add(key).ShouldBeTrue();
        }
    }

    public static TheoryData<string, string> Invalid => new()
    {
        { "empty", "" },
        { "15 bytes", Convert.ToBase64String(new byte[15]) },
        { "17 bytes, also 24 characters", Convert.ToBase64String(new byte[17]) },
        { "18 bytes, also 24 characters", Convert.ToBase64String(new byte[18]) },
        { "32 bytes", Convert.ToBase64String(new byte[32]) },
        { "space before", " dGhlIHNhbXBsZSBub25jZQ==" },
        { "space after", "dGhlIHNhbXBsZSBub25jZQ== " },
        { "space inside, 24 characters", "dGhlIHNhbXBsZ SBub25jZQ=" },
        { "line break inside", "dGhlIHNhbXBs\r\nSBub25jZQ" },
        { "no padding", "dGhlIHNhbXBsZSBub25jZQ" },
        { "padding in the middle", "dGhlIHNh==bXBsZSBub25jZQ" },
        { "the URL's alphabet", "_-hlIHNhbXBsZSBub25jZQ==" },
        { "beyond ASCII", "dGhlIHNhbXBsZSBub25jZé==" },
        { "NUL", "dGhlIHNhbXBsZSBub25j\0Q==" },
        { "two lines joined", "dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ==" },
        { "a megabyte", new string('A', 1 << 20) },
    };

    [Theory]
    [MemberData(nameof(Invalid))]
    public void Section_4_2_1_anything_but_16_bytes_in_base64_is_no_key(string what, string key)
    {
        HandshakeKey.IsValid(key).ShouldBeFalse(what);
        Should.Throw<ArgumentException>(() => HandshakeKey.ComputeAccept(key));
    }
}
