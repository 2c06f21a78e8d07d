using System.IO.Compression;
using Sluice.AspNetCore;
using Sluice.Compression;
using Sluice.Hostile.Support;

namespace Sluice.Hostile;

/// <summary>Attacks by compressed messages.</summary>
public class CompressionAttacks
{
    private const int MiB = 1024 * 1024;

    [Theory]
    [InlineData("handler", true, false)]
    [InlineData("handler", true, true)]
    [InlineData("handler", false, false)]
    [InlineData("receive", true, false)]
    [InlineData("receive", false, true)]
    [InlineData("stream", true, false)]
    [InlineData("stream", false, true)]
    public async Task A_decompression_bomb_stops_at_the_message_limit(string way, bool takeover, bool inFragments)
    {
        const int attackers = 20;
        await using var target = await Target.StartAsync(compression: new CompressionOptions { ClientContextTakeover = takeover }, map: (app, options) =>
        {
            app.MapWebSocket("/receive", ReceiveAsync, options);
            app.MapWebSocket("/stream", StreamAsync, options);
        });
        var bomb = Deflated(256 * MiB); // a quarter of a mebibyte
        bomb.Length.ShouldBeLessThan(MiB / 2);
        byte[] frames = inFragments
            ? [.. Frames.Of(0x42, bomb[..1000]), .. Frames.Of(0x00, bomb[1000..2000]), .. Frames.Of(0x80, bomb[2000..])]
            : Frames.Of(0xc2, bomb);
        var codes = new List<Task<int>>();
        var before = GC.GetTotalAllocatedBytes(precise: true);
        for (var i = 0; i < attackers; i++)
        {
            codes.Add(AttackAsync());
        }
        (await Task.WhenAll(codes)).ShouldAllBe(code => code == 1009);
        await target.CountsAsync("sluice.violations", "message too big", attackers);
        await target.LogsAsync("closed by this side with 1009: message too big", attackers);
        // 5 GiB were asked for. What was inflated stayed below the limit of 1 MiB each, in buffers that grow twofold.
        (GC.GetTotalAllocatedBytes(precise: true) - before).ShouldBeLessThan(attackers * 8L * MiB);
        target.Held.ShouldBeLessThan(128 * MiB); // the pool keeps buffers of 1 and 2 MiB for the next messages, for each core

        async Task<int> AttackAsync()
        {
            using var attacker = await Attacker.OpenAsync(target.Port, way == "handler" ? "/ws" : "/" + way, more: "Sec-WebSocket-Extensions: permessage-deflate\r\n");
            var code = attacker.ReadCloseAsync();
            await attacker.TrySendAsync(frames);
            return await code;
        }
    }

    [Fact]
    public async Task A_compressed_message_that_inflates_to_nothing_is_bounded_too()
    {
        await using var target = await Target.StartAsync(compression: CompressionOptions.Default);
        using var attacker = await Attacker.OpenAsync(target.Port, more: "Sec-WebSocket-Extensions: permessage-deflate\r\n");
        var code = attacker.ReadCloseAsync();
        byte[] nothing = Frames.Many(10_000, [0, 0, 0, 0xff, 0xff]); // empty blocks
        await attacker.SendAsync(Frames.Of(0x42));
        var fragment = Frames.Of(0x00, nothing);
        for (var sent = 0; sent < 16 * MiB && await attacker.TrySendAsync(fragment); sent += nothing.Length)
        {
        }
        (await code).ShouldBe(1009);
        await target.CountsAsync("sluice.violations", "message too big");
        await target.LogsAsync("closed by this side with 1009: message too big");
        target.Held.ShouldBeLessThan(8 * MiB);
    }

    [Fact]
    public async Task What_is_no_deflate_is_refused()
    {
        await using var target = await Target.StartAsync(compression: CompressionOptions.Default);
        await Swarm.AttackAsync(target, async attacker =>
        {
            await attacker.SendAsync(attacker.Request(more: "Sec-WebSocket-Extensions: permessage-deflate\r\n"));
            (await attacker.ReadHeadAsync()).Status.ShouldBe(101);
            await attacker.SendAsync(Frames.Of(0xc2, 0xff, 0xff, 0xff));
            (await attacker.ReadCloseAsync()).ShouldBe(1007);
        });
        await target.CountsAsync("sluice.violations", "compressed message not in DEFLATE format", Swarm.Size);
        await target.LogsAsync("closed by this side with 1007", Swarm.Size);
        target.Held.ShouldBeLessThan(Swarm.Bound);
    }

    private static async Task ReceiveAsync(WebSocketConnection connection)
    {
        while (true)
        {
            using var message = await connection.ReceiveAsync();
            if (message.IsClose) return;
        }
    }

    private static async Task StreamAsync(WebSocketConnection connection)
    {
        var buffer = new byte[4096];
        while (await connection.ReadMessageAsync() is { } reader)
        {
            await using var message = reader;
            while (await message.ReadAsync(buffer) > 0)
            {
            }
        }
    }

    private static byte[] Deflated(int zeros)
    {
        using var bytes = new MemoryStream();
        using (var deflate = new DeflateStream(bytes, CompressionLevel.SmallestSize, leaveOpen: true))
        {
            var some = new byte[MiB];
            for (var i = 0; i < zeros / MiB; i++) deflate.Write(some);
        }
        return bytes.ToArray();
    }
}
