using System.Net;
using System.Net.Sockets;
using Sluice.Bench.Processes;

namespace Sluice.Bench.Peers;

/// <summary>nginx and HAProxy, each with one worker, in front of one backend, without logs.</summary>
internal static class ProxyConfigurations
{
    public static ServerCommand Nginx(StartContext context)
    {
        var port = FreePort();
        var directory = System.IO.Directory.CreateDirectory(Path.Combine(context.Directory, $"nginx-{port}")).FullName;
        var file = Path.Combine(directory, "nginx.conf");
        File.WriteAllText(file, $$"""
            daemon off;
            worker_processes 1;
            worker_rlimit_nofile 20000;
            pid {{directory}}/nginx.pid;
            error_log /dev/null;
            events { worker_connections 19900; }
            http {
                access_log off;
                client_body_temp_path {{directory}}/body;
                proxy_temp_path {{directory}}/proxy;
                fastcgi_temp_path {{directory}}/fastcgi;
                uwsgi_temp_path {{directory}}/uwsgi;
                scgi_temp_path {{directory}}/scgi;
                server {
                    listen 127.0.0.1:{{port}} backlog=4096;
                    location / {
                        proxy_pass http://127.0.0.1:{{context.Backend}};
                        proxy_http_version 1.1;
                        proxy_set_header Upgrade $http_upgrade;
                        proxy_set_header Connection "upgrade";
                        proxy_set_header Host $http_host;
                        proxy_set_header X-Forwarded-For $remote_addr;
                    }
                }
            }
            """);
        return new ServerCommand(["nginx", "-e", "/dev/null", "-p", directory, "-c", file], port);
    }

    public static ServerCommand HAProxy(StartContext context)
    {
        var port = FreePort();
        var file = Path.Combine(context.Directory, $"haproxy-{port}.cfg");
        File.WriteAllText(file, $"""
            global
                nbthread 1
                maxconn 9500
            defaults
                mode http
                timeout connect 5s
                timeout client 60s
                timeout server 60s
                timeout tunnel 1h
                option forwardfor
            frontend front
                bind 127.0.0.1:{port} backlog 4096
                default_backend back
            backend back
                server one 127.0.0.1:{context.Backend}

            """);
        return new ServerCommand(["haproxy", "-db", "-f", file], port);
    }

    // Neither can take port 0 and tell which it got.
    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
