using System.IO.Compression;
using System.Net.WebSockets;
using System.Text;
using Sluice.Protocol;

namespace Sluice.Tests.Interop;

/// <summary><see cref="WebSocketMessageFlags.DisableCompression"/> where permessage-deflate was agreed (RFC 7692): the same on the
/// wire, whoever made the WebSocket.</summary>
public sealed class CompressionContractTests : WebSocketContract
{
    private const WebSocketMessageFlags Ends = WebSocketMessageFlags.EndOfMessage;
    private const WebSocketMessageFlags Plain = WebSocketMessageFlags.DisableCompression;

    private const string Text = "Compression works when things are said again, and again, and again. ";

    [Theory]
    [MemberData(nameof(All))]
    public async Task A_message_sent_without_compression_has_no_RSV1_and_leaves_the_window_alone(Maker maker, Role role)
    {
        await using var opened = await Opened.CreateAsync(maker, role, compressed: true);
        await SendAsync(opened, Text, Ends);
        var first = await ReadAsync(opened, 0xC1);
        await SendAsync(opened, Text, Ends | Plain);
        await opened.ExpectTextAsync(Text);
        await SendAsync(opened, "Something else, which nothing may refer to. ", Ends | Plain);
        await opened.ExpectTextAsync("Something else, which nothing may refer to. ");
        await SendAsync(opened, Text, Ends);
        var second = await ReadAsync(opened, 0xC1);
        second.Length.ShouldBeLessThan(first.Length / 2, "it refers to the first message");
        Inflate(first, second).ShouldBe(Text + Text);
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task Neither_has_one_that_is_sent_in_fragments(Maker maker, Role role)
    {
        await using var opened = await Opened.CreateAsync(maker, role, compressed: true);
        await SendAsync(opened, Text, Plain);
        await opened.ExpectTextAsync(Text, first: 0x01);
        await SendAsync(opened, Text, Plain);
        await opened.ExpectTextAsync(Text, first: 0x00);
        await SendAsync(opened, "", Ends | Plain);
        await opened.ExpectTextAsync("", first: 0x80);
        await SendAsync(opened, Text, WebSocketMessageFlags.None);
        var first = await ReadAsync(opened, 0x41);
        await SendAsync(opened, Text, Ends);
        var last = await ReadAsync(opened, 0x80);
        Inflate([.. first, .. last]).ShouldBe(Text + Text);
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task Fragments_of_one_message_are_all_compressed_or_none(Maker maker, Role role)
    {
        await using var opened = await Opened.CreateAsync(maker, role, compressed: true);
        await SendAsync(opened, Text, Plain);
        await opened.ExpectTextAsync(Text, first: 0x01);
        await Should.ThrowAsync<ArgumentException>(() => SendAsync(opened, Text, Ends));
        await SendAsync(opened, "end", Ends | Plain);
        await opened.ExpectTextAsync("end", first: 0x80);
        await SendAsync(opened, Text, WebSocketMessageFlags.None);
        await ReadAsync(opened, 0x41);
        await Should.ThrowAsync<ArgumentException>(() => SendAsync(opened, Text, Ends | Plain));
    }

    private static async Task SendAsync(Opened opened, string text, WebSocketMessageFlags flags)
        => await opened.Socket.SendAsync(Encoding.UTF8.GetBytes(text).AsMemory(), WebSocketMessageType.Text, flags, default)
            .AsTask().WaitAsync(Opened.Guard);

    private static async Task<byte[]> ReadAsync(Opened opened, int first)
    {
        var frame = await opened.ReadFrameAsync();
        frame.First.ShouldBe(first);
        return frame.Payload;
    }

    // What a peer makes of compressed messages that share a window (RFC 7692 §7.2.2).
    private static string Inflate(params byte[][] messages)
    {
        using var deflated = new MemoryStream();
        foreach (var message in messages) deflated.Write([.. message, 0x00, 0x00, 0xFF, 0xFF]);
        deflated.Position = 0;
        using var inflated = new MemoryStream();
        using (var inflater = new DeflateStream(deflated, CompressionMode.Decompress)) inflater.CopyTo(inflated);
        return Encoding.UTF8.GetString(inflated.ToArray());
    }
}
