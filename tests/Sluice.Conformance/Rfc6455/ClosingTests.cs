using Sluice.Conformance.Cases;
using Sluice.Conformance.Subjects;
using Sluice.Conformance.Wire;

namespace Sluice.Conformance.Rfc6455;

/// <summary>RFC 6455 §7: who closes when, and how the transport ends.</summary>
public class ClosingTests
{
    private static readonly ConnectionOptions NoTimes = new()
    {
        KeepAliveInterval = Timeout.InfiniteTimeSpan,
        CloseTimeout = Timeout.InfiniteTimeSpan,
        LingerTimeout = Timeout.InfiniteTimeSpan,
    };

    private static readonly ConnectionOptions ShortTimes = new()
    {
        KeepAliveInterval = Timeout.InfiniteTimeSpan,
        CloseTimeout = TimeSpan.FromMilliseconds(200),
        LingerTimeout = TimeSpan.FromMilliseconds(200),
    };

    [Theory, BothSides]
    public async Task Section_7_1_2_our_close_frame_is_sent_and_its_answer_waited_for(Side side)
    {
        await using var link = await Link.HoldAsync(side, NoTimes);
        var closing = link.Connection!.CloseAsync(CloseCode.GoingAway, "bye ß");
        await link.Peer.ShouldReadAsync(Frame.Close(1001, "bye ß"));
        closing.IsCompleted.ShouldBeFalse("the peer's close frame has not come");
        link.Connection.State.ShouldBe(ConnectionState.Closing); // §7.1.3
        await link.Peer.SendAsync(Frame.Close(1001));
        await link.Peer.ShouldEndInTurnAsync();
        var result = await closing.Guarded();
        (result.Code, result.WasClean, result.ByPeer).ShouldBe((CloseCode.GoingAway, true, false));
        link.Connection.State.ShouldBe(ConnectionState.Closed); // §7.1.4
    }

    [Theory, BothSides]
    public async Task Section_5_5_1_our_close_frame_may_have_no_code(Side side)
    {
        await using var link = await Link.HoldAsync(side, NoTimes);
        var closing = link.Connection!.CloseAsync(CloseCode.NoStatusReceived);
        await link.Peer.ShouldReadAsync(Frame.Close());
        await link.Peer.SendAsync(Frame.Close());
        await link.Peer.ShouldEndInTurnAsync();
        (await closing.Guarded()).Code.ShouldBe(CloseCode.NoStatusReceived); // §7.1.5
    }

    [Theory, BothSides]
    public async Task Section_7_1_5_code_and_reason_are_those_of_the_peer_s_first_close_frame(Side side)
    {
        await using var link = await Link.HoldAsync(side, NoTimes);
        await link.Peer.SendAsync(Frame.Close(4123, "reason ß"), Frame.Close(1000, "second"));
        await link.Peer.ShouldReadAsync(Frame.Close(4123));
        await link.Peer.ShouldEndInTurnAsync();
        var result = await link.Connection!.Released.Guarded();
        ((int)result.Code, result.Reason, result.ByPeer).ShouldBe((4123, "reason ß", true));
    }

    [Theory, BothSides]
    public async Task Section_7_1_5_without_a_close_frame_it_is_1006(Side side)
    {
        await using var link = await Link.HoldAsync(side, NoTimes);
        link.Peer.HalfClose();
        await link.Peer.ShouldEndAsync();
        var result = await link.Connection!.Released.Guarded();
        (result.Code, result.WasClean, result.ByPeer).ShouldBe((CloseCode.AbnormalClosure, false, true));
    }

    [Theory, BothSides]
    public async Task Section_5_5_1_nothing_is_sent_behind_our_close_frame(Side side)
    {
        await using var link = await Link.HoldAsync(side, NoTimes);
        var closing = link.Connection!.CloseAsync();
        await Should.ThrowAsync<WebSocketClosedException>(async () => await link.Connection.SendAsync("late"));
        link.Connection.TrySend(MessageType.Text, "late"u8.ToArray()).ShouldBeFalse();
        await link.Peer.ShouldReadAsync(Frame.Close(1000));
        // Neither a message nor a ping is answered any more; the close frame behind them is found.
        await link.Peer.SendAsync(Frame.Text("crossed"), Frame.Ping("crossed"), Frame.Text("a").Unfinished(), Frame.Continuation("b"), Frame.Close(1000));
        await link.Peer.ShouldEndInTurnAsync();
        (await closing.Guarded()).WasClean.ShouldBeTrue();
    }

    [Theory, BothSides]
    public async Task Section_5_4_a_close_may_stand_between_our_fragments(Side side)
    {
        await using var link = await Link.HoldAsync(side, NoTimes);
        var message = await link.Connection!.OpenMessageAsync(MessageType.Text).Guarded();
        await message.WriteAsync("begun"u8.ToArray()).Guarded();
        await link.Peer.ShouldReadAsync(Frame.Text("begun").Unfinished());
        var closing = link.Connection.CloseAsync();
        await link.Peer.ShouldReadAsync(Frame.Close(1000));
        await Should.ThrowAsync<WebSocketClosedException>(async () => await message.WriteAsync("late"u8.ToArray()));
        await message.DisposeAsync().Guarded();
        await link.Peer.SendAsync(Frame.Close(1000));
        await link.Peer.ShouldEndInTurnAsync();
        (await closing.Guarded()).WasClean.ShouldBeTrue();
    }

    [Theory, BothSides]
    public async Task Section_7_1_both_may_close_at_the_same_time(Side side)
    {
        await using var link = await Link.HoldAsync(side, NoTimes);
        var closing = link.Connection!.CloseAsync(CloseCode.NormalClosure, "ours");
        await link.Peer.SendAsync(Frame.Close(3000, "theirs"));
        await link.Peer.ShouldReadAsync(Frame.Close(1000, "ours"));
        await link.Peer.ShouldEndInTurnAsync(); // one close frame, not two
        (await closing.Guarded()).WasClean.ShouldBeTrue();
    }

    [Fact]
    public async Task Section_7_1_1_the_server_ends_the_transport_first()
    {
        await using var link = await Link.HoldAsync(Side.Server, NoTimes);
        await link.Peer.SendAsync(Frame.Close(1000));
        await link.Peer.ShouldReadAsync(Frame.Close(1000));
        await link.Peer.ShouldEndAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Section_7_1_1_a_client_waits_for_the_server_to_end_the_transport(bool peerFirst)
    {
        await using var link = await Link.HoldAsync(Side.Client, NoTimes);
        if (peerFirst) await link.Peer.SendAsync(Frame.Close(1000));
        else _ = link.Connection!.CloseAsync();
        await link.Peer.ShouldReadAsync(Frame.Close(1000));
        if (!peerFirst) await link.Peer.SendAsync(Frame.Close(1000));
        (await link.Connection!.Closed.Guarded()).WasClean.ShouldBeTrue();
        link.Connection.Released.IsCompleted.ShouldBeFalse();
        link.Peer.Socket.Poll(0, System.Net.Sockets.SelectMode.SelectRead).ShouldBeFalse("neither bytes nor an end");
        link.Peer.HalfClose();
        await link.Peer.ShouldEndAsync();
        await link.Connection.Released.Guarded();
    }

    [Fact]
    public async Task Section_7_1_1_a_client_ends_the_transport_itself_when_the_server_does_not()
    {
        await using var link = await Link.HoldAsync(Side.Client, ShortTimes);
        await link.Peer.SendAsync(Frame.Close(1000));
        await link.Peer.ShouldReadAsync(Frame.Close(1000));
        await link.Peer.ShouldEndAsync();
    }

    [Theory, BothSides]
    public async Task Section_7_1_2_a_peer_that_never_answers_is_not_waited_for_for_ever(Side side)
    {
        await using var link = await Link.HoldAsync(side, ShortTimes);
        var closing = link.Connection!.CloseAsync();
        await link.Peer.ShouldReadAsync(Frame.Close(1000));
        await link.Peer.ShouldEndAsync();
        var result = await closing.Guarded();
        (result.Code, result.WasClean).ShouldBe((CloseCode.AbnormalClosure, false));
    }

    [Theory, BothSides]
    public async Task Section_7_1_7_a_failed_connection_ends_even_if_the_peer_does_nothing(Side side)
    {
        await using var link = await Link.HoldAsync(side, ShortTimes);
        await link.Peer.SendAsync(new Frame(3, []) { Sent = 1 });
        await link.Peer.ReadCloseAsync(1002);
        await link.Peer.ShouldEndAsync();
        (await link.Connection!.Released.Guarded()).Code.ShouldBe(CloseCode.ProtocolError);
    }

    [Theory, BothSides]
    public async Task Section_7_1_7_a_failed_connection_ends_with_the_peer_s_close_frame(Side side)
    {
        await using var link = await Link.HoldAsync(side, NoTimes); // nothing else would end it
        await link.Peer.SendAsync(Frame.Text("bad").Rsv(1), Frame.Text("between"), Frame.Ping("between"));
        await link.Peer.ReadCloseAsync(1002);
        await link.Peer.SendAsync(Frame.Close(1002));
        await link.Peer.ShouldEndAsync();
    }

    [Theory, BothSides]
    public async Task Section_7_1_1_bytes_behind_the_violation_do_not_cost_the_peer_the_close_frame(Side side)
    {
        await using var link = await Link.HoldAsync(side, NoTimes);
        await link.Peer.SendAsync(Frame.Text("bad").Rsv(1), Frame.Binary(new byte[4 * 1024 * 1024]), Frame.Close(1000));
        await link.Peer.ReadCloseAsync(1002);
        await link.Peer.ShouldEndAsync();
    }

    [Theory, MemberData(nameof(HalfOpen))]
    public async Task Section_7_1_1_a_peer_that_ends_its_direction_still_gets_what_it_is_owed(Subject subject, int cut)
    {
        await using var link = await Link.OpenAsync(subject);
        await link.Peer.SendAsync(Frame.Text("owed"), Frame.Ping("owed"), Frame.Binary(new byte[200]).Cut(cut));
        link.Peer.HalfClose();
        Received[] came = [await link.Peer.ReadFrameAsync(), await link.Peer.ReadFrameAsync()];
        came.Single(frame => frame.Opcode == 1).ShouldBe(Frame.Text("owed"));
        came.Single(frame => frame.Opcode == 10).ShouldBe(Frame.Pong("owed"));
        await link.Peer.ShouldEndAsync();
        if (link.Connection is { } connection) (await connection.Released.Guarded()).Code.ShouldBe(CloseCode.AbnormalClosure);
    }

    [Theory, MemberData(nameof(Subjects))]
    public async Task Section_7_1_7_a_violation_and_the_end_of_the_direction_in_one_still_get_the_close_frame(Subject subject)
    {
        for (var i = 0; i < 20; i++)
        {
            await using var link = await Link.OpenAsync(subject);
            await link.Peer.SendAsync(Frame.Text("owed"), new Frame(3, []) { Sent = 1 });
            link.Peer.HalfClose();
            await link.Peer.ShouldReadAsync(Frame.Text("owed"));
            await link.Peer.ReadCloseAsync(1002);
            await link.Peer.ShouldEndAsync();
        }
    }

    [Theory, BothSides]
    public async Task Section_7_1_7_a_reset_is_a_result_and_no_exception(Side side)
    {
        await using var link = await Link.HoldAsync(side, NoTimes);
        var receiving = link.Connection!.ReceiveAsync();
        link.Peer.Reset();
        (await receiving.Guarded()).IsClose.ShouldBeTrue();
        var result = await link.Connection.Released.Guarded();
        (result.Code, result.ByPeer).ShouldBe((CloseCode.AbnormalClosure, true));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(999)]
    [InlineData(1004)]
    [InlineData(1006)]
    [InlineData(1015)]
    [InlineData(1016)]
    [InlineData(2999)]
    [InlineData(5000)]
    public async Task Section_7_4_a_code_that_may_not_be_sent_is_not_sent(int code)
    {
        await using var link = await Link.HoldAsync(Side.Server);
        await Should.ThrowAsync<ArgumentException>(() => link.Connection!.CloseAsync((CloseCode)code));
        await ShouldBeOpenAsync(link);
    }

    [Fact]
    public async Task Section_5_5_a_reason_that_does_not_fit_is_not_sent()
    {
        await using var link = await Link.HoldAsync(Side.Client);
        await Should.ThrowAsync<ArgumentException>(() => link.Connection!.CloseAsync(CloseCode.NormalClosure, new string('x', 124)));
        await Should.ThrowAsync<ArgumentException>(() => link.Connection!.CloseAsync(CloseCode.NoStatusReceived, "a reason without a code"));
        await Should.ThrowAsync<ArgumentException>(() => link.Connection!.CloseAsync(CloseCode.NormalClosure, "half of a pair \ud800"));
        await ShouldBeOpenAsync(link);
    }

    public static IEnumerable<TheoryDataRow<Subject>> Subjects() => Enum.GetValues<Subject>().Select(subject => new TheoryDataRow<Subject>(subject));

    public static IEnumerable<TheoryDataRow<Subject, int>> HalfOpen()
        => from subject in Enum.GetValues<Subject>()
           from cut in new[] { 0, 1, 2, 4, 100 }
           select new TheoryDataRow<Subject, int>(subject, cut);

    private static async Task ShouldBeOpenAsync(Link link)
    {
        await link.Peer.SendAsync(Frame.Close(1000));
        await link.Peer.ShouldReadAsync(Frame.Close(1000));
        await link.Peer.ShouldEndInTurnAsync();
    }
}
