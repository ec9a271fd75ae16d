# nginx with the mounted configuration. The name service of podman has another address than that of Docker.
set -e
name_service=$(sed -n 's/^nameserver //p' /etc/resolv.conf | head -n 1)
sed "s/127\.0\.0\.11/$name_service/" /etc/nginx/conf.d/default.conf > /tmp/site.conf
printf 'events {}\nhttp { include /tmp/site.conf; }\n' > /tmp/nginx.conf
exec nginx -e stderr -c /tmp/nginx.conf -g 'daemon off;'
