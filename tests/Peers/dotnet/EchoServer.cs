using System.Globalization;
using System.Net;
using System.Net.WebSockets;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Sluice.Peers.DotNet;

/// <summary>ASP.NET Core's WebSocket server on 127.0.0.1; it ends with stdin or a signal.</summary>
internal sealed class EchoServer(IReadOnlyList<string> subprotocols)
{
    public static async Task RunAsync(int port, IReadOnlyList<string> subprotocols)
    {
        // The content root is not the current directory: settings lying there are none of ours.
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions
        {
            ContentRootPath = AppContext.BaseDirectory,
        });
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(options => options.Listen(IPAddress.Loopback, port));
        await using WebApplication app = builder.Build();
        app.UseWebSockets(new WebSocketOptions { KeepAliveInterval = Timeout.InfiniteTimeSpan });
        app.Run(new EchoServer(subprotocols).AnswerAsync);
        await app.StartAsync();
        Console.WriteLine($"listening {new Uri(app.Urls.Single()).Port}");

        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, _ => Environment.Exit(0));
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, _ => Environment.Exit(0));
        await Console.OpenStandardInput().CopyToAsync(Stream.Null);
        Environment.Exit(0); // at once: a graceful stop would wait for the open connections
    }

    private Task AnswerAsync(HttpContext context) => context.Request.Path.Value switch
    {
        "/echo" => AcceptAsync(context, EchoAsync),
        "/early" => AcceptAsync(context, async socket =>
        {
            await SendTextAsync(socket, "early");
            await EchoAsync(socket);
        }),
        "/headers" => AcceptAsync(context, async socket =>
        {
            await SendTextAsync(socket, JsonSerializer.Serialize(JoinedHeaders(context.Request)));
            await EchoAsync(socket);
        }),
        "/close" => AcceptAsync(context, socket => CloseAsAskedAsync(socket, context.Request.Query)),
        "/refuse" => RefuseAsync(context.Response),
        "/hello" when HttpMethods.IsGet(context.Request.Method) => context.Response.WriteAsync("hello from dotnet"),
        _ => NotFoundAsync(context.Response),
    };

    private async Task AcceptAsync(HttpContext context, Func<WebSocket, Task> handle)
    {
        if (!context.WebSockets.IsWebSocketRequest)
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            return;
        }

        string? agreed = subprotocols.FirstOrDefault(context.WebSockets.WebSocketRequestedProtocols.Contains);
        using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync(agreed);
        try
        {
            await handle(socket);
        }
        catch (Exception e) when (e is WebSocketException or IOException or OperationCanceledException)
        {
            // the other side vanished; there is nobody left to tell
        }
    }

    private static async Task EchoAsync(WebSocket socket)
    {
        while (await socket.ReceiveMessageAsync(CancellationToken.None) is { } message)
            await socket.SendAsync(message.Data, message.Type, endOfMessage: true, CancellationToken.None);
        await socket.CloseOutputAsync(
            socket.CloseStatus ?? WebSocketCloseStatus.NormalClosure,
            socket.CloseStatusDescription,
            CancellationToken.None);
    }

    private static async Task CloseAsAskedAsync(WebSocket socket, IQueryCollection query)
    {
        if (!int.TryParse(query["code"], CultureInfo.InvariantCulture, out int code)) code = 1000;
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        await socket.CloseAsync((WebSocketCloseStatus)code, query["reason"].ToString(), deadline.Token);
    }

    private static Task SendTextAsync(WebSocket socket, string text) =>
        socket.SendAsync(
            Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);

    private static Dictionary<string, string> JoinedHeaders(HttpRequest request) =>
        request.Headers.ToDictionary(
            header => header.Key.ToLowerInvariant(), header => string.Join(", ", header.Value.ToArray()));

    private static Task RefuseAsync(HttpResponse response)
    {
        response.StatusCode = StatusCodes.Status403Forbidden;
        response.Headers["X-Reason"] = "refused by the backend";
        response.ContentType = "text/plain";
        return response.WriteAsync("not today\n");
    }

    private static Task NotFoundAsync(HttpResponse response)
    {
        response.StatusCode = StatusCodes.Status404NotFound;
        return response.WriteAsync("no such path\n");
    }
}
