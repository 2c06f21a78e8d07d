using Sluice.Compression;
using Sluice.Protocol;
using Sluice.Tests.Protocol;

namespace Sluice.Tests.Connection;

/// <summary>What a connection holds between its messages: zlib's memory only where a window is taken over (RFC 7692 §7.1.1).</summary>
public sealed class CompressionMemoryTests
{
    public static TheoryData<Role, bool, bool> Agreements => new()
    {
        { Role.Server, true, true }, { Role.Server, true, false }, { Role.Server, false, true }, { Role.Server, false, false },
        { Role.Client, true, true }, { Role.Client, true, false }, { Role.Client, false, true }, { Role.Client, false, false },
    };

    [Theory, MemberData(nameof(Agreements))]
    public async Task Section_7_1_1_what_decompresses_is_held_between_messages_only_for_a_window_that_is_taken_over(
        Role role, bool serverTakesOver, bool clientTakesOver)
    {
        var peer = Open(role, serverTakesOver, clientTakesOver);
        var peerTakesOver = role == Role.Server ? clientTakesOver : serverTakesOver;
        peer.Connection.Receiver.HoldsDecompressor.ShouldBeFalse("nothing came yet");
        for (var i = 0; i < 3; i++)
        {
            var receiving = peer.Connection.ReceiveAsync().AsTask();
            await peer.SendFrameAsync(0x41, Wire.Hex("F248CD"));
            await peer.SendFrameAsync(0x89, []);
            await peer.ExpectAsync(0x8A, []); // so the fragment before it was inflated
            peer.Connection.Receiver.HoldsDecompressor.ShouldBeTrue("a message is under way");
            await peer.SendFrameAsync(0x80, Wire.Hex("C9C90700"));
            using var message = await receiving.WaitAsync(RawPeer.Guard);
            message.Text.ShouldBe("Hello");
            peer.Connection.Receiver.HoldsDecompressor.ShouldBe(peerTakesOver);
        }
        peer.Connection.Abort();
    }

    [Theory, MemberData(nameof(Agreements))]
    public async Task Section_7_1_1_what_compresses_is_held_between_messages_only_for_a_window_that_is_taken_over(
        Role role, bool serverTakesOver, bool clientTakesOver)
    {
        var peer = Open(role, serverTakesOver, clientTakesOver);
        var takesOver = role == Role.Server ? serverTakesOver : clientTakesOver;
        var text = new string('a', 100);
        peer.Connection.Sender.HoldsCompressor.ShouldBeFalse("nothing was sent yet");
        for (var i = 0; i < 3; i++)
        {
            await peer.Connection.SendAsync(text).AsTask().WaitAsync(RawPeer.Guard);
            peer.Connection.Sender.HoldsCompressor.ShouldBe(takesOver);
            (await peer.ReadFrameAsync()).ShouldNotBeNull().First.ShouldBe(0xC1);
        }
        await using (var writer = await peer.Connection.OpenMessageAsync(MessageType.Text))
        {
            await writer.WriteAsync("part of a message"u8.ToArray());
            peer.Connection.Sender.HoldsCompressor.ShouldBeTrue("a message is under way");
        }
        peer.Connection.Sender.HoldsCompressor.ShouldBe(takesOver);
        peer.Connection.Abort();
    }

    private static RawPeer Open(Role role, bool serverTakesOver, bool clientTakesOver) => new(role, compression: new DeflateAgreement
    {
        Options = new() { Threshold = 0 },
        ServerNoContextTakeover = !serverTakesOver,
        ClientNoContextTakeover = !clientTakesOver,
    });
}
