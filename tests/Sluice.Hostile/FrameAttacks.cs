using Sluice.Hostile.Support;

namespace Sluice.Hostile;

/// <summary>Attacks by frames.</summary>
public class FrameAttacks
{
    private const int MiB = 1024 * 1024;
    private const int Limit = 1000;

    // What the test itself holds is in it, and what the transport keeps for the next connection.
    private const int Bound = 8 * MiB;

    [Fact]
    public async Task A_million_empty_fragments_end_at_the_limit()
    {
        await using var target = await Target.StartAsync();
        using var attacker = await Attacker.OpenAsync(target.Port);
        var code = attacker.ReadCloseAsync();
        await attacker.SendAsync(Frames.Of(0x02));
        var thousand = Frames.Many(1000, Frames.Of(0x00));
        for (var i = 0; i < 1000 && await attacker.TrySendAsync(thousand); i++)
        {
            if (i == 100) target.Held.ShouldBeLessThan(Bound);
        }
        (await code).ShouldBe(1008);
        await target.CountsAsync("sluice.violations", "too many fragments in a message");
        await target.LogsAsync("closed by this side with 1008: too many fragments");
        target.Held.ShouldBeLessThan(Bound);
    }

    [Fact]
    public async Task Fragments_of_one_byte_cost_what_they_carry()
    {
        await using var target = await Target.StartAsync();
        using var attacker = await Attacker.OpenAsync(target.Port);
        await attacker.SendAsync(Frames.Of(0x02));
        await attacker.SendAsync(Frames.Many(100_000, Frames.Of(0x00, 7)));
        await attacker.SendAsync(Frames.Of(0x89));
        (await attacker.ReadFrameAsync()).First.ShouldBe(0x8a); // all before it were read
        target.Held.ShouldBeLessThan(Bound);
        await attacker.SendAsync(Frames.Of(0x80));
        (await attacker.ReadFrameAsync()).Payload.Length.ShouldBe(100_000);
        await ShouldCloseAsync(target, attacker);
        target.Held.ShouldBeLessThan(Bound);
    }

    [Theory]
    [InlineData(0x89, true)]
    [InlineData(0x89, false)]
    [InlineData(0x8a, true)]
    [InlineData(0x8a, false)]
    public async Task A_flood_of_pings_or_of_pongs_that_nobody_asked_for_is_ended(int first, bool reads)
    {
        await using var target = await Target.StartAsync(new ConnectionOptions { MaxControlFramesPerSecond = 100 });
        using var attacker = await Attacker.OpenAsync(target.Port, receiveBuffer: reads ? null : 4096);
        var code = reads ? attacker.ReadCloseAsync() : null;
        var thousand = Frames.Many(1000, Frames.Of(first, new byte[125]));
        for (var i = 0; i < 1000 && await attacker.TrySendAsync(thousand); i++)
        {
        }
        await target.CountsAsync("sluice.violations", "too many pings or pongs");
        await target.LogsAsync("closed by this side with 1008: too many pings or pongs");
        target.Held.ShouldBeLessThan(Bound);
        if (code is not null) (await code).ShouldBe(1008);
    }

    [Theory]
    [InlineData(long.MinValue, 1002, "most significant bit of a 64-bit payload length set")]
    [InlineData(-1, 1002, "most significant bit of a 64-bit payload length set")]
    [InlineData(long.MaxValue, 1009, "message too big")]
    [InlineData(1L << 32, 1009, "message too big")]
    [InlineData(int.MaxValue, 1009, "message too big")]
    public async Task A_length_beyond_reason_costs_nothing(long length, int code, string rule)
    {
        await using var target = await Target.StartAsync();
        using var attacker = await Attacker.OpenAsync(target.Port);
        await attacker.SendAsync(Frames.Header(0x82, length));
        (await attacker.ReadCloseAsync()).ShouldBe(code);
        await target.CountsAsync("sluice.violations", rule);
        await target.LogsAsync($"closed by this side with {code}: {rule}");
        target.Held.ShouldBeLessThan(Bound);
    }

    [Fact]
    public async Task A_sum_of_lengths_that_would_overflow_is_too_big()
    {
        await using var target = await Target.StartAsync();
        using var attacker = await Attacker.OpenAsync(target.Port);
        await attacker.SendAsync([.. Frames.Of(0x02, 1), .. Frames.Header(0x80, long.MaxValue)]);
        (await attacker.ReadCloseAsync()).ShouldBe(1009);
        await target.CountsAsync("sluice.violations", "message too big");
        await target.LogsAsync("closed by this side with 1009: message too big");
        target.Held.ShouldBeLessThan(Bound);
    }

    [Fact]
    public async Task What_is_announced_and_never_sent_costs_nothing()
    {
        await using var target = await Target.StartAsync();
        var attackers = new List<Attacker>();
        for (var i = 0; i < 200; i++)
        {
            var attacker = await Attacker.OpenAsync(target.Port);
            await attacker.SendAsync([.. Frames.Of(0x89), .. Frames.Header(0x82, MiB), 1, 2, 3]); // 200 MiB announced
            (await attacker.ReadFrameAsync()).First.ShouldBe(0x8a);
            attackers.Add(attacker);
        }
        target.Held.ShouldBeLessThan(8 * MiB);
        attackers.ForEach(attacker => attacker.Reset());
        await target.CountsAsync("sluice.connections.closed", "1006", 200);
        await target.LogsAsync("closed by the peer with 1006", 200);
        target.Held.ShouldBeLessThan(Bound);
    }

    [Theory]
    [InlineData(-1, false)]
    [InlineData(0, false)]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(-1, true)]
    [InlineData(0, true)]
    [InlineData(1, true)]
    [InlineData(2, true)]
    public async Task The_message_limit_is_exact(int beyond, bool inFragments)
    {
        await using var target = await Target.StartAsync(new ConnectionOptions { MaxMessageSize = Limit });
        using var attacker = await Attacker.OpenAsync(target.Port);
        var payload = new byte[Limit + beyond];
        payload.AsSpan().Fill(7);
        byte[] frames = inFragments ? [.. Frames.Of(0x02, payload[..600]), .. Frames.Of(0x80, payload[600..])] : Frames.Of(0x82, payload);
        await attacker.SendAsync(frames);
        if (beyond <= 0)
        {
            (await attacker.ReadFrameAsync()).Payload.ShouldBe(payload); // nothing cut off, nothing added
            await ShouldCloseAsync(target, attacker);
        }
        else
        {
            (await attacker.ReadCloseAsync()).ShouldBe(1009);
            await target.CountsAsync("sluice.violations", "message too big");
            await target.LogsAsync("closed by this side with 1009: message too big");
        }
        target.Held.ShouldBeLessThan(Bound);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task The_fragment_limit_is_exact(int beyond)
    {
        await using var target = await Target.StartAsync(new ConnectionOptions { MaxFragments = Limit });
        using var attacker = await Attacker.OpenAsync(target.Port);
        await attacker.SendAsync([.. Frames.Of(0x02, 1), .. Frames.Many(Limit + beyond - 2, Frames.Of(0x00, 1)), .. Frames.Of(0x80, 1)]);
        if (beyond <= 0)
        {
            (await attacker.ReadFrameAsync()).Payload.Length.ShouldBe(Limit + beyond);
            await ShouldCloseAsync(target, attacker);
        }
        else
        {
            (await attacker.ReadCloseAsync()).ShouldBe(1008);
            await target.CountsAsync("sluice.violations", "too many fragments in a message");
            await target.LogsAsync("closed by this side with 1008: too many fragments");
        }
        target.Held.ShouldBeLessThan(Bound);
    }

    [Fact]
    public async Task A_close_frame_shows_nothing_but_what_was_written_into_it()
    {
        await using var target = await Target.StartAsync();
        using var attacker = await Attacker.OpenAsync(target.Port);
        await attacker.SendAsync(Frames.Of(0x82, new byte[5000])); // what a pooled buffer may hold afterwards
        await attacker.ReadFrameAsync();
        await attacker.SendAsync(Frames.Of(0x88));
        var (first, payload) = await attacker.ReadFrameAsync();
        first.ShouldBe(0x88);
        payload.ShouldBeEmpty();
        await target.CountsAsync("sluice.connections.closed", "1005");
        await target.LogsAsync("closed by the peer with 1005");
        target.Held.ShouldBeLessThan(Bound);
    }

    // What was within the limits leaves a trace too.
    private static async Task ShouldCloseAsync(Target target, Attacker attacker)
    {
        await attacker.SendAsync(Frames.Close(4321));
        (await attacker.ReadCloseAsync()).ShouldBe(4321);
        await target.CountsAsync("sluice.connections.closed", "4000"); // codes of private use are one value
        await target.LogsAsync("closed by the peer with 4321");
    }
}
