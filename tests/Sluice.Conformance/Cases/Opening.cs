using System.Globalization;
using Sluice.Conformance.Subjects;
using Sluice.Conformance.Wire;

namespace Sluice.Conformance.Cases;

/// <summary>A request as bytes, and the status and fields that must answer it.</summary>
public sealed class Opening
{
    private readonly string _name;
    private readonly string _request;
    private int _status = 101;
    private string[] _fields = [];
    private string[] _absent = [];
    private bool _mayStayOpen;

    internal Opening(string name, string request)
    {
        _name = name;
        _request = request;
    }

    public override string ToString() => _name;

    /// <summary>The WebSocket opens; the response has these fields.</summary>
    internal Opening Opens(params string[] fields)
    {
        _fields = fields;
        return this;
    }

    internal Opening Without(params string[] names)
    {
        _absent = names;
        return this;
    }

    /// <summary>The request is refused, with these fields, and the connection ended in order.</summary>
    internal Opening Refused(int status, params string[] fields)
    {
        _status = status;
        _fields = fields;
        return this;
    }

    /// <summary>HTTP answers, and goes on as it does.</summary>
    internal Opening LeftToHttp(int status)
    {
        _mayStayOpen = true;
        return Refused(status);
    }

    /// <summary>With HTTP, and before HTTP begins: the answers are the same.</summary>
    internal async Task RunAsync(Delivery delivery)
    {
        foreach (var port in EchoServer.Ports) await RunAsync(delivery, port);
    }

    private async Task RunAsync(Delivery delivery, int port)
    {
        using var peer = await EchoServer.DialAsync(port);
        await delivery.SendAsync(peer, System.Text.Encoding.Latin1.GetBytes(_request));
        var head = await peer.ReadHeadAsync();
        Http.Status(head).ShouldBe(_status, head);
        head.ShouldStartWith("HTTP/1.1 ");
        foreach (var field in _fields)
        {
            var parts = field.Split(": ", 2);
            Http.Values(head, parts[0]).ShouldBe([parts[1]], head);
        }
        foreach (var name in _absent) Http.Value(head, name).ShouldBeNull(head);
        if (_status == 101) await ShouldBeOpenAsync(peer, head);
        else if (!_mayStayOpen) await ShouldBeOverAsync(peer, head);
    }

    private async Task ShouldBeOpenAsync(Peer peer, string head)
    {
        // RFC 6455 §4.2.2, item 5; there is no body, and nothing that speaks of one (RFC 9110 §15.2).
        Http.Values(head, "Upgrade").ShouldBe(["websocket"]);
        Http.Values(head, "Connection").ShouldBe(["Upgrade"]);
        Http.Values(head, "Sec-WebSocket-Accept").ShouldBe([Http.AcceptOf(Http.Value(_request, "Sec-WebSocket-Key")!.Trim())]);
        var deflates = _fields.Any(field => field.StartsWith("Sec-WebSocket-Extensions:", StringComparison.Ordinal));
        if (!deflates) Http.Value(head, "Sec-WebSocket-Extensions").ShouldBeNull();
        Http.Value(head, "Content-Length").ShouldBeNull();
        Http.Value(head, "Transfer-Encoding").ShouldBeNull();
        if (deflates)
        {
            await peer.SendAsync(Frame.Text(Deflation.Hello).Rsv(4));
            await peer.ShouldReadAsync(Frame.Text("Hello")); // too short for the server to compress it
        }
        await peer.SendAsync(Frame.Text("open"), Frame.Close(1000));
        await peer.ShouldReadAsync(Frame.Text("open"));
        await peer.ShouldReadAsync(Frame.Close(1000));
        await peer.ShouldEndAsync();
    }

    private async Task ShouldBeOverAsync(Peer peer, string head)
    {
        Http.Value(head, "Sec-WebSocket-Accept").ShouldBeNull();
        if (Http.Value(head, "Content-Length") is { } length && !_request.StartsWith("HEAD", StringComparison.Ordinal))
        {
            await peer.ReadAsync(int.Parse(length, CultureInfo.InvariantCulture));
        }
        await peer.ShouldEndAsync();
    }
}
