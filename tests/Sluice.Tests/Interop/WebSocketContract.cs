using System.Net.WebSockets;
using System.Text;
using Sluice.Protocol;

namespace Sluice.Tests.Interop;

/// <summary>What every test of the contract needs: both makers in both roles, and calls that can't hang.</summary>
public abstract class WebSocketContract
{
    public static TheoryData<Maker, Role> All => new()
    {
        { Maker.Bcl, Role.Server }, { Maker.Bcl, Role.Client }, { Maker.Sluice, Role.Server }, { Maker.Sluice, Role.Client },
    };

    private protected static Task<Opened> OpenAsync(Maker maker, Role role) => Opened.CreateAsync(maker, role);

    private protected static async Task<ValueWebSocketReceiveResult> ReceiveAsync(
        Opened opened, Memory<byte> buffer, CancellationToken cancellation = default)
        => await opened.Socket.ReceiveAsync(buffer, cancellation).AsTask().WaitAsync(Opened.Guard, CancellationToken.None);

    /// <summary>Receives a part of a text, and says where it ended: <c>"par…"</c>, <c>"t"</c>.</summary>
    private protected static async Task<string> ReceiveTextAsync(Opened opened, int room = 100)
    {
        var buffer = new byte[room];
        var part = await ReceiveAsync(opened, buffer);
        part.MessageType.ShouldBe(WebSocketMessageType.Text);
        return Encoding.UTF8.GetString(buffer, 0, part.Count) + (part.EndOfMessage ? "" : "…");
    }

    private protected static async Task ReceiveCloseAsync(Opened opened)
    {
        var part = await ReceiveAsync(opened, new byte[100]);
        part.MessageType.ShouldBe(WebSocketMessageType.Close);
        part.Count.ShouldBe(0);
        part.EndOfMessage.ShouldBeTrue();
    }

    private protected static Task SendTextAsync(Opened opened, string text, bool ends = true)
        => opened.Socket.SendAsync(Encoding.UTF8.GetBytes(text).AsMemory(), WebSocketMessageType.Text, ends, default).AsTask().WaitAsync(Opened.Guard);

    private protected static Task CloseAsync(Opened opened, int code = 1000, string? reason = "")
        => opened.Socket.CloseAsync((WebSocketCloseStatus)code, reason, default).WaitAsync(Opened.Guard);

    private protected static Task CloseOutputAsync(Opened opened, int code = 1000, string? reason = "")
        => opened.Socket.CloseOutputAsync((WebSocketCloseStatus)code, reason, default).WaitAsync(Opened.Guard);

    private protected static async Task ShouldFailAsync(WebSocketError error, Func<Task> action)
        => (await Should.ThrowAsync<WebSocketException>(action)).WebSocketErrorCode.ShouldBe(error);
}
